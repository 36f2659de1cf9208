/*
 * The link between two boxes: any chunks in a packet of the peer, while an association is up.
 * Input: packets, each of a byte (bit 0: another verification tag, bit 1: another checksum, bit 2:
 * by the second path, bit 3: none, as for an INIT, bit 4: it comes to the peer, too, bits 5-7: time
 * that passes before, times 100 ms), a byte of length, and that many bytes of chunks. In the end
 * the two talk to each other again.
 */
#include "control/sso/link.h"
#include "tests/fuzz/fuzz.h"
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <usrsctp.h>

#define WIRE   64
#define PACKET 1500

struct bench {
    struct manual_time t;
    struct clock clock;
    struct timerq timers;
    struct end {
        struct bench *b;
        unsigned me;
        struct sso_link *link;
        uint8_t tag[4]; /* that its packets bear */
        bool up;
    } end[2];
    struct {
        uint8_t to, path;
        size_t n;
        uint8_t p[PACKET];
    } wire[WIRE];
    size_t first, n_wire;
};

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void on_transmit(void *ctx, unsigned path, const uint8_t *p, size_t n)
{
    struct end *e = (struct end *)ctx;
    struct bench *b = e->b;
    must(n >= 12 && n <= PACKET && path < 2);
    memcpy(e->tag, p + 4, 4);
    if (b->n_wire == WIRE)
        return;
    size_t i = (b->first + b->n_wire++) % WIRE;
    b->wire[i].to = (uint8_t)!e->me;
    b->wire[i].path = (uint8_t)path;
    b->wire[i].n = n;
    memcpy(b->wire[i].p, p, n);
}

static void on_up(void *ctx)
{
    struct end *e = (struct end *)ctx;
    must(!e->up);
    e->up = true;
}

static void on_down(void *ctx, const char *why)
{
    struct end *e = (struct end *)ctx;
    must(e->up && why);
    e->up = false;
}

static void on_message(void *ctx, enum sso_stream s, const uint8_t *p, size_t n)
{
    (void)ctx;
    (void)p;
    must(s < SSO_STREAMS && n && n <= SSO_MESSAGE_MAX);
}

static void on_writable(void *ctx)
{
    (void)ctx;
}

static const struct sso_link_ops ops = {on_transmit, on_up, on_down, on_message, on_writable};

static void run(struct bench *b, unsigned ms)
{
    for (unsigned k = 0; k < ms; k += 20) {
        for (unsigned most = 1000; b->n_wire && most; most--) {
            size_t i = b->first;
            struct end *e = &b->end[b->wire[i].to];
            uint8_t p[PACKET];
            size_t n = b->wire[i].n;
            unsigned path = b->wire[i].path;
            memcpy(p, b->wire[i].p, n);
            b->first = (b->first + 1) % WIRE;
            b->n_wire--;
            sso_link_input(e->link, path, p, n);
        }
        b->t.mono_us += 20 * USEC_PER_MSEC;
        timerq_run(&b->timers, b->t.mono_us, 100);
    }
}

static void open_both(struct bench *b)
{
    b->clock = clock_manual(&b->t);
    for (unsigned i = 0; i < 2; i++) {
        const struct sso_cfg cfg = {.n_local = 2,
                                    .n_remote = 2,
                                    .local_port = (uint16_t)(5000 + i),
                                    .remote_port = (uint16_t)(5001 - i),
                                    .rto_min = 300,
                                    .rto_max = 600,
                                    .path_retransmit = 4,
                                    .assoc_retransmit = 4,
                                    .hold = SSO_HOLD};
        b->end[i].b = b;
        b->end[i].me = i;
        b->end[i].link = sso_link_new(&cfg, &ops, &b->end[i], &b->timers, &b->clock);
        must(b->end[i].link);
    }
    run(b, 2000);
    must(b->end[0].up && b->end[1].up);
}

static void strike(struct bench *b, uint8_t how, const uint8_t *chunks, size_t n)
{
    const uint16_t ports[2] = {htons(5001), htons(5000)};
    uint8_t p[12 + UINT8_MAX] = {0};
    run(b, (how >> 5) * 100u);
    memcpy(p, ports, 4);
    if (!(how & 8))
        memcpy(p + 4, b->end[1].tag, 4);
    if (how & 1)
        p[7] ^= 1;
    memcpy(p + 12, chunks, n);
    uint32_t sum = usrsctp_crc32c(p, 12 + n);
    if (how & 2)
        sum ^= 1;
    memcpy(p + 8, &sum, 4);
    sso_link_input(b->end[0].link, how >> 2 & 1, p, 12 + n);
    if (how & 16) { /* with the ports the other way round */
        memcpy(p, &ports[1], 2);
        memcpy(p + 2, &ports[0], 2);
        sso_link_input(b->end[1].link, how >> 2 & 1, p, 12 + n);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bench *b = (struct bench *)calloc(1, sizeof(*b));
    must(b);
    open_both(b);
    for (size_t at = 0; at + 2 <= size;) {
        size_t n = data[at + 1];
        if (n > size - at - 2)
            n = size - at - 2;
        strike(b, data[at], data + at + 2, n);
        at += 2 + n;
    }
    /* Longer than it takes to give a peer up, and to call again. */
    run(b, 12000);
    must(b->end[0].up && b->end[1].up);
    for (unsigned i = 0; i < 2; i++)
        sso_link_free(b->end[i].link);
    timerq_free(&b->timers);
    free(b);
    return 0;
}
