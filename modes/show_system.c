/*
 * show version and show clock.
 */
#include "modes/internal.h"
#include <string.h>

int show_clock(struct cmd *c, const struct a_show_clock *a)
{
    char text[64];
    time_clock(text, sizeof text, c->tree, clock_wall(control_clock(c->control)), true);
    cmd_printf(c, "%s\n", text);
    if (a->detail)
        cmd_puts(c, "Time source is hardware calendar\n");
    return CMD_OK;
}

struct numbered {
    struct cmd *c;
    unsigned n;
};

static bool port_line(void *ctx, const struct query_port *p)
{
    struct numbered *n = (struct numbered *)ctx;
    cmd_printf(n->c, "%2u: Ext: %-20s: address is %02x%02x.%02x%02x.%02x%02x, irq 0\n", n->n++,
               p->name, p->mac[0], p->mac[1], p->mac[2], p->mac[3], p->mac[4], p->mac[5]);
    return true;
}

static void asa_version(struct cmd *c, const char *uptime)
{
    const struct cli *cli = c->session->cli;
    struct numbered n = {.c = c};
    char when[64];
    cmd_printf(c, "Cisco Adaptive Security Appliance Software Version %s \n", cli->box.version);
    cmd_printf(c, "Tandem %s\n\n", TANDEM_VERSION);
    cmd_printf(c, "System image file is \"boot:/tandemd\"\nConfig file at boot was \"%s\"\n\n",
               cli->booted_with ? "startup-config" : "none");
    cmd_printf(c, "%s up %s\n\n", cmd_hostname(c), uptime);
    cmd_printf(c, "Hardware:   %s\n\n", cli->hardware);
    query_ports(c->control, port_line, &n);
    cmd_printf(c, "\nSerial Number: %s\n", cli->box.serial);
    if (cli->changed_wall) {
        time_clock(when, sizeof when, cli->tree, cli->changed_wall, true);
        cmd_printf(c, "Configuration last modified by %s at %s\n", cli->changed_by, when);
    } else {
        cmd_puts(c, "Configuration has not been modified since last system restart.\n");
    }
}

static void ios_version(struct cmd *c, const char *uptime)
{
    const struct cli *cli = c->session->cli;
    const char *ram = strstr(cli->hardware, ", ");
    cmd_printf(c,
               "Cisco IOS Software, Tandem Software (TANDEM-M), Version %s, RELEASE SOFTWARE "
               "(fc1)\nTandem %s\n\n",
               cli->box.version, TANDEM_VERSION);
    cmd_printf(c, "%s uptime is %s\nSystem image file is \"flash:tandemd\"\n\n", cmd_hostname(c),
               uptime);
    cmd_printf(c, "cisco %s (revision 1.0) with %s\nProcessor board ID %s\n",
               cli->box.model[0] ? cli->box.model : "Tandem", ram ? ram + 2 : "", cli->box.serial);
    cmd_puts(c, "Configuration register is 0x2102\n\n");
}

int show_version(struct cmd *c, const struct a_show_version *a)
{
    char uptime[96];
    usec_t now = clock_wall(control_clock(c->control));
    (void)a;
    time_uptime(uptime, sizeof uptime, (now - query_booted(c->control)) / USEC_PER_SEC, c->asa);
    if (c->asa)
        asa_version(c, uptime);
    else
        ios_version(c, uptime);
    return CMD_OK;
}

static void key_line(void *ctx, const char *line)
{
    cmd_printf((struct cmd *)ctx, "%s\n", line);
}

int test_crypto_keys(struct cmd *c, const struct a_test_crypto_keys *a)
{
    (void)a;
    if (!c->session->cli->box.lab) {
        cmd_puts(c, "ERROR: % This is not a lab box\n");
        return CMD_REFUSED;
    }
    query_lab_keys(c->control, key_line, c);
    return CMD_OK;
}
