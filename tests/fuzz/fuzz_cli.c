/*
 * Frames of a shell to the engine, trusted or from outside: any types, any bytes, any order.
 *
 * The first byte chooses personality and trust; then steps of a type byte, a length byte and so
 * many bytes. A session that has not proven who it is gets nothing carried out.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/unit/modes/fake_shell.h"

static void turn(struct control *c)
{
    for (int i = 0; i < 4; i++)
        event_base_loop(c->base, EVLOOP_NONBLOCK);
}

static void make_box(struct control *c, struct cli **cli, bool asa)
{
    struct lm_box box = {.asa = asa, .version = "9.16(2)"};
    static const char config[] = "hostname box\ninterface GigabitEthernet0/0\n nameif outside\n";
    *cli = cli_new(c, &box);
    if (!*cli)
        abort();
    cli_load(*cli, config, sizeof config - 1);
    c->log.fd = -1;
    turn(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct cli *cli;
    struct shell s;
    if (len < 1 || len > 4096)
        return 0;
    bool trusted = data[0] & 2;
    struct control *c = fake_new();
    c->silent = true;
    make_box(c, &cli, data[0] & 1);
    unsigned applied = c->applied;
    shell_open(&s, c, cli, trusted, data[0] & 4, "192.0.2.9");
    data++;
    len--;
    while (len >= 2 && !s.closed) {
        uint8_t type = data[0];
        size_t n = data[1];
        data += 2;
        len -= 2;
        n = n < len ? n : len;
        ipc_send(s.ipc, type, data, n);
        turn(c);
        data += n;
        len -= n;
    }
    if (!trusted && (c->applied != applied || c->reloaded || c->erased || s.auth.ok))
        abort(); /* nobody has logged in: there is no user */
    shell_close(&s);
    turn(c);
    cli_free(cli);
    fake_free(c);
    return 0;
}
