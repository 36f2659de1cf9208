/*
 * show interfaces. Lines about what a port of ours does not have (queues, load) are constant or
 * left out; what is counted is counted since the device came up.
 */
#include "modes/internal.h"
#include <stdio.h>
#include <string.h>

#define LLU(n) ((unsigned long long)(n))

static bool begins(const char *name, const char *with)
{
    return strncmp(name, with, strlen(with)) == 0;
}

/* What a medium says of itself where nothing is configured. */
static const struct medium {
    const char *type;
    unsigned kbits, usec;
    const char *encapsulation;
} media[] = {
    {"Loopback", 8000000, 5000, "LOOPBACK"}, {"Tunnel", 100, 50000, "TUNNEL"},
    {"TenGigabit", 10000000, 10, "ARPA"},    {"FastEthernet", 100000, 100, "ARPA"},
    {"Ethernet", 10000, 1000, "ARPA"},       {"", 1000000, 10, "ARPA"},
};

static const struct medium *medium_of(const char *name)
{
    const struct medium *m = media;
    while (!begins(name, m->type))
        m++;
    return m;
}

static void head(struct cmd *c, const struct query_port *p, const struct cfg_node *n)
{
    char mac[16], net[PREFIX_STRLEN];
    const char *line = if_line_up(p) ? "up" : "down";
    const struct cfg_node *text = n ? cfg_first(n, E_IF_DESCRIPTION) : NULL;
    enum intent_if_kind kind = if_kind(p->name);
    cmd_printf(c, "%s is %s, line protocol is %s\n", p->name,
               if_shut(p) ? "administratively down" : line, line);
    if_mac_text(p, mac);
    if (kind == IF_LOOPBACK || kind == IF_TUNNEL)
        cmd_printf(c, "  Hardware is %s\n", kind == IF_LOOPBACK ? "Loopback" : "Tunnel");
    else
        cmd_printf(c, "  Hardware is %s, address is %s (bia %s)\n",
                   p->netdev[0] ? p->netdev : "absent", mac, mac);
    if (text)
        cmd_printf(c, "  Description: %s\n", CFG_ARGS(text, if_description)->text);
    if (p->ifp && addr_is_set(&p->ifp->addr.addr))
        cmd_printf(c, "  Internet address is %s\n", prefix_print(&p->ifp->addr, net, sizeof net));
}

/* In parts of 255, one at least. */
static unsigned load(double bytes, unsigned long long kbits)
{
    double parts = kbits ? bytes * 8 * 255 / ((double)kbits * 1000) : 0;
    return parts < 1 ? 1 : parts > 255 ? 255 : (unsigned)parts;
}

static void rates(struct cmd *c, const struct query_port *p)
{
    unsigned seconds = p->ifp && p->ifp->load_interval ? p->ifp->load_interval : RATES_LONG;
    const struct rates *r = &p->rate->lasting;
    char over[32];
    if (seconds % 60)
        (void)snprintf(over, sizeof over, "%u second", seconds);
    else
        (void)snprintf(over, sizeof over, "%u minute", seconds / 60);
    cmd_printf(c, "  %s input rate %llu bits/sec, %llu packets/sec\n", over, LLU(r->rx_bytes * 8),
               LLU(r->rx_packets));
    cmd_printf(c, "  %s output rate %llu bits/sec, %llu packets/sec\n", over, LLU(r->tx_bytes * 8),
               LLU(r->tx_packets));
}

static void bandwidth(struct cmd *c, const struct query_port *p, const struct cfg_node *n)
{
    const struct medium *m = medium_of(p->name);
    const struct cfg_node *b = n ? cfg_first(n, E_IF_BANDWIDTH) : NULL;
    const struct cfg_node *d = n ? cfg_first(n, E_IF_DELAY) : NULL;
    cmd_printf(c, "  MTU %u bytes, BW %llu Kbit/sec, DLY %llu usec, \n", p->mtu,
               b ? LLU(CFG_ARGS(b, if_bandwidth)->kbits) : LLU(m->kbits),
               d ? LLU(CFG_ARGS(d, if_delay)->tens * 10) : LLU(m->usec));
    unsigned long long kbits = b ? LLU(CFG_ARGS(b, if_bandwidth)->kbits) : LLU(m->kbits);
    cmd_printf(c, "     reliability 255/255, txload %u/255, rxload %u/255\n",
               load(p->rate ? p->rate->lasting.tx_bytes : 0, kbits),
               load(p->rate ? p->rate->lasting.rx_bytes : 0, kbits));
    if (p->ifp && p->ifp->kind == IF_VLAN && p->ifp->vlan)
        cmd_printf(c, "  Encapsulation 802.1Q Virtual LAN, Vlan ID  %u.\n", p->ifp->vlan);
    else
        cmd_printf(c, "  Encapsulation %s, loopback not set\n", m->encapsulation);
}

static void keepalive(struct cmd *c, const struct query_port *p, const struct cfg_node *n)
{
    const struct cfg_node *k = n ? cfg_first(n, E_IF_KEEPALIVE) : NULL;
    bool off = (n && cfg_first(n, E_IF_NO_KEEPALIVE)) || (!k && if_kind(p->name) == IF_TUNNEL);
    unsigned long long seconds = k ? LLU(CFG_ARGS(k, if_keepalive)->seconds) : 10;
    if (off || !seconds)
        cmd_puts(c, "  Keepalive not set\n");
    else
        cmd_printf(c, "  Keepalive set (%llu sec)\n", seconds);
}

static void ethernet(struct cmd *c, const struct cfg_node *n)
{
    static const char *const duplexes[] = {[ENUM_DUPLEX_AUTO] = "Auto Duplex",
                                           [ENUM_DUPLEX_FULL] = "Full Duplex",
                                           [ENUM_DUPLEX_HALF] = "Half Duplex"};
    static const char *const speeds[] = {[ENUM_SPEED_10] = "10Mbps",
                                         [ENUM_SPEED_100] = "100Mbps",
                                         [ENUM_SPEED_1000] = "1000Mbps",
                                         [ENUM_SPEED_10000] = "10Gbps",
                                         [ENUM_SPEED_AUTO] = "Auto Speed"};
    const struct cfg_node *d = n ? cfg_first(n, E_IF_DUPLEX_IOS) : NULL;
    const struct cfg_node *s = n ? cfg_first(n, E_IF_SPEED_IOS) : NULL;
    const struct cfg_node *a = n ? cfg_first(n, E_IF_ARP_TIMEOUT) : NULL;
    unsigned long long arp = a ? LLU(CFG_ARGS(a, if_arp_timeout)->seconds) : 14400;
    cmd_printf(c, "  %s, %s\n", duplexes[d ? CFG_ARGS(d, if_duplex_ios)->duplex : ENUM_DUPLEX_AUTO],
               speeds[s ? CFG_ARGS(s, if_speed_ios)->speed : ENUM_SPEED_AUTO]);
    cmd_printf(c, "  ARP type: ARPA, ARP Timeout %02llu:%02llu:%02llu\n", arp / 3600, arp / 60 % 60,
               arp % 60);
}

static void tunnel(struct cmd *c, const struct cfg_node *n)
{
    char addr[ADDR_STRLEN];
    const char *source = "UNKNOWN", *protocol = "GRE/IP";
    const struct cfg_node *s = n ? cfg_first(n, E_TUNNEL_SOURCE) : NULL;
    const struct cfg_node *d = n ? cfg_first(n, E_TUNNEL_DESTINATION) : NULL;
    const struct cfg_node *m = n ? cfg_first(n, E_TUNNEL_MODE) : NULL;
    if (s && CFG_ARGS(s, tunnel_source)->has_name)
        source = CFG_ARGS(s, tunnel_source)->name;
    else if (s)
        source = addr_print(&CFG_ARGS(s, tunnel_source)->addr, addr, sizeof addr);
    if (m && CFG_ARGS(m, tunnel_mode)->ipsec)
        protocol = "IPSEC/IP";
    else if (m && CFG_ARGS(m, tunnel_mode)->ipip)
        protocol = "IP/IP";
    else if (m && CFG_ARGS(m, tunnel_mode)->multipoint)
        protocol = "multi-GRE/IP";
    cmd_printf(c, "  Tunnel source %s", source);
    if (d)
        cmd_printf(c, ", destination %s", CFG_ARGS(d, tunnel_destination)->host);
    cmd_printf(c, "\n  Tunnel protocol/transport %s\n", protocol);
}

void show_port_ios(struct cmd *c, const struct query_port *p)
{
    const struct cfg_node *n = cfg_find_word(c->tree->root, E_INTERFACE, p->name);
    enum intent_if_kind kind = if_kind(p->name);
    head(c, p, n);
    bandwidth(c, p, n);
    if (kind != IF_VLAN)
        keepalive(c, p, n);
    if (kind == IF_PORT)
        ethernet(c, n);
    if (kind == IF_TUNNEL)
        tunnel(c, n);
}

void show_traffic_ios(struct cmd *c, const struct query_port *p)
{
    const struct world_traffic *t = &p->traffic;
    if (p->rate)
        rates(c, p);
    if (!p->counted)
        return;
    cmd_printf(c, "     %llu packets input, %llu bytes, 0 no buffer\n     %llu input errors\n",
               LLU(t->rx_packets), LLU(t->rx_bytes), LLU(t->rx_errors));
    cmd_printf(c, "     %llu packets output, %llu bytes, 0 underruns\n     %llu output errors\n",
               LLU(t->tx_packets), LLU(t->tx_bytes), LLU(t->tx_errors));
}
