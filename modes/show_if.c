/*
 * Shows of interfaces: brief, names, addresses, one by one.
 */
#include "modes/internal.h"
#include "modes/render.h"
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char *if_shown_name(const struct intent_if *ifp, bool asa)
{
    return ifp->of ? ifp->of->name : asa && ifp->nameif[0] ? ifp->nameif : ifp->name;
}

bool if_shut(const struct query_port *p)
{
    return p->ifp ? p->ifp->shutdown : !p->admin_up;
}

bool if_line_up(const struct query_port *p)
{
    return p->netdev[0] && p->admin_up && p->carrier;
}

void render_brief(struct str *out, const struct query_port *p, bool asa, const char *method)
{
    char addr[ADDR_STRLEN] = "unassigned";
    const char *status = if_shut(p) ? "administratively down" : (if_line_up(p) ? "up" : "down");
    if (p->ifp && addr_is_set(&p->ifp->addr.addr))
        addr_print(&p->ifp->addr.addr, addr, sizeof addr);
    str_printf(out, "%-26s %-15s YES %-6s %-21s %-*s\n", p->name, addr, method, status, asa ? 4 : 8,
               if_line_up(p) ? "up" : "down");
}

/* Where an address comes from: typed since the last save, or read at the start. */
static const char *method(const struct cmd *c, const struct query_port *p)
{
    if (!p->ifp || !addr_is_set(&p->ifp->addr.addr))
        return "unset";
    const struct cfg_node *n = cfg_find_word(c->tree->root, E_INTERFACE, p->name);
    const struct cfg_node *a = n ? cfg_first(n, E_IF_ADDRESS) : NULL;
    bool saved = a && c->session->cli->has_startup && a->serial <= c->session->cli->saved_serial;
    return !saved ? "manual" : (c->asa ? "CONFIG" : "NVRAM");
}

static bool brief_line(void *ctx, const struct query_port *p)
{
    struct cmd *c = (struct cmd *)ctx;
    struct str line = {0};
    render_brief(&line, p, c->asa, method(c, p));
    cmd_puts(c, str_text(&line));
    str_free(&line);
    return true;
}

int show_interface_brief(struct cmd *c, const struct a_show_interface_brief *a)
{
    (void)a;
    cmd_puts(c, "Interface                  IP-Address      OK? Method Status                "
                "Protocol\n");
    query_ports(c->control, brief_line, c);
    return CMD_OK;
}

static bool nameif_line(void *ctx, const struct query_port *p)
{
    struct cmd *c = (struct cmd *)ctx;
    if (p->ifp && p->ifp->nameif[0])
        cmd_printf(c, "%-24s %-24s %3u\n", p->name, p->ifp->nameif, p->ifp->security);
    return true;
}

int show_nameif(struct cmd *c, const struct a_show_nameif *a)
{
    (void)a;
    cmd_puts(c, "Interface                Name                     Security\n");
    query_ports(c->control, nameif_line, c);
    return CMD_OK;
}

static bool address_line(void *ctx, const struct query_port *p)
{
    struct cmd *c = (struct cmd *)ctx;
    char addr[ADDR_STRLEN], mask[ADDR_STRLEN];
    if (!p->ifp || !p->ifp->nameif[0] || !addr_is_set(&p->ifp->addr.addr))
        return true;
    struct addr m = addr_len_to_mask(AF_INET, p->ifp->addr.len);
    cmd_printf(c, "%-24s %-22s %-15s %-15s %s\n", p->name, p->ifp->nameif,
               addr_print(&p->ifp->addr.addr, addr, sizeof addr), addr_print(&m, mask, sizeof mask),
               method(c, p));
    return true;
}

int show_ip_address(struct cmd *c, const struct a_show_ip_address *a)
{
    static const char head[] =
        "Interface                Name                   IP address      Subnet mask     Method \n";
    (void)a;
    cmd_printf(c, "System IP Addresses:\n%s", head);
    query_ports(c->control, address_line, c);
    cmd_printf(c, "Current IP Addresses:\n%s", head);
    query_ports(c->control, address_line, c);
    return CMD_OK;
}

/* --- show interface --------------------------------------------------------------------------- */

#define LLU(n) ((unsigned long long)(n))

struct one_port {
    struct cmd *c;
    const char *name, *nameif;
    unsigned shown;
};

void if_mac_text(const struct query_port *p, char buf[16])
{
    snprintf(buf, 16, "%02x%02x.%02x%02x.%02x%02x", p->mac[0], p->mac[1], p->mac[2], p->mac[3],
             p->mac[4], p->mac[5]);
}

static const char *description(const struct cmd *c, const struct query_port *p)
{
    const struct cfg_node *n = cfg_find_word(c->tree->root, E_INTERFACE, p->name);
    const struct cfg_node *d = n ? cfg_first(n, E_IF_DESCRIPTION) : NULL;
    return d ? CFG_ARGS(d, if_description)->text : NULL;
}

static void asa_port(struct cmd *c, const struct query_port *p)
{
    char mac[16], addr[ADDR_STRLEN], mask[ADDR_STRLEN];
    const char *text = description(c, p);
    if_mac_text(p, mac);
    cmd_printf(c, "Interface %s \"%s\", is %s, line protocol is %s\n", p->name,
               p->ifp ? p->ifp->nameif : "",
               if_shut(p) ? "administratively down" : (if_line_up(p) ? "up" : "down"),
               if_line_up(p) ? "up" : "down");
    cmd_printf(c, "  Hardware is net_%s, BW 1000 Mbps, DLY 10 usec\n",
               p->netdev[0] ? p->netdev : "absent");
    if (text)
        cmd_printf(c, "\tDescription: %s\n", text);
    cmd_printf(c, "\tMAC address %s, MTU %u\n", mac, p->mtu);
    if (p->ifp && addr_is_set(&p->ifp->addr.addr)) {
        struct addr m = addr_len_to_mask(AF_INET, p->ifp->addr.len);
        cmd_printf(c, "\tIP address %s, subnet mask %s\n",
                   addr_print(&p->ifp->addr.addr, addr, sizeof addr),
                   addr_print(&m, mask, sizeof mask));
    } else {
        cmd_puts(c, "\tIP address unassigned\n");
    }
}

static void asa_rates(struct cmd *c, const char *over, const struct rates *r)
{
    cmd_printf(c, "      %s input rate %llu pkts/sec,  %llu bytes/sec\n", over, LLU(r->rx_packets),
               LLU(r->rx_bytes));
    cmd_printf(c, "      %s output rate %llu pkts/sec,  %llu bytes/sec\n", over, LLU(r->tx_packets),
               LLU(r->tx_bytes));
    cmd_printf(c, "      %s drop rate, %llu pkts/sec\n", over, LLU(r->rx_dropped));
}

/* What was counted since the device came up. */
static void asa_traffic(struct cmd *c, const struct query_port *p)
{
    const struct world_traffic *t = &p->traffic;
    if (!p->counted)
        return;
    cmd_printf(c, "\t%llu packets input, %llu bytes, 0 no buffer\n\t%llu input errors\n",
               LLU(t->rx_packets), LLU(t->rx_bytes), LLU(t->rx_errors));
    cmd_printf(c, "\t%llu packets output, %llu bytes, 0 underruns\n\t%llu output errors\n",
               LLU(t->tx_packets), LLU(t->tx_bytes), LLU(t->tx_errors));
    if (!p->ifp || !p->ifp->nameif[0])
        return;
    cmd_printf(c, "  Traffic Statistics for \"%s\":\n", p->ifp->nameif);
    cmd_printf(c, "\t%llu packets input, %llu bytes\n\t%llu packets output, %llu bytes\n",
               LLU(t->rx_packets), LLU(t->rx_bytes), LLU(t->tx_packets), LLU(t->tx_bytes));
    cmd_printf(c, "\t%llu packets dropped\n", LLU(t->rx_dropped + t->tx_dropped));
    if (!p->rate)
        return;
    asa_rates(c, "1 minute", &p->rate->brief);
    asa_rates(c, "5 minute", &p->rate->lasting);
}

static bool one_interface(void *ctx, const struct query_port *p)
{
    struct one_port *o = (struct one_port *)ctx;
    if (o->name && strcmp(o->name, p->name) != 0)
        return true;
    if (o->nameif && (!p->ifp || strcasecmp(o->nameif, p->ifp->nameif) != 0))
        return true;
    o->shown++;
    if (o->c->asa)
        asa_port(o->c, p);
    else
        show_port_ios(o->c, p);
    if (p->trouble && p->trouble[0])
        cmd_printf(o->c, o->c->asa ? "\tWARNING: %s\n" : "  Warning: %s\n", p->trouble);
    if (o->c->asa)
        asa_traffic(o->c, p);
    else
        show_traffic_ios(o->c, p);
    return true;
}

int show_interface(struct cmd *c, const struct a_show_interface *a)
{
    struct one_port o = {.c = c,
                         .name = a->has_name ? a->name : NULL,
                         .nameif = a->has_nameif ? a->nameif : NULL};
    query_ports(c->control, one_interface, &o);
    if (o.shown || (!o.name && !o.nameif))
        return CMD_OK;
    cmd_printf(c,
               c->asa ? "ERROR: %% Interface %s does not exist\n"
                      : "%% Interface %s does not exist\n\n",
               o.name ? o.name : o.nameif);
    return CMD_REFUSED;
}
