/* The layouts of OSPF's shows. See render_ospf.h. */
#include "modes/render_ospf.h"
#include "control/intent.h"
#include "modes/internal.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT 64
#define each(j, n, of)                                                                             \
    for (const struct json_node *n = json_first((j), (of)); n; n = json_next((j), n))

static unsigned long long number(const struct json *j, const struct json_node *n, const char *key)
{
    return json_number(json_get(j, n, key));
}

static char *text(const struct json *j, const struct json_node *n, const char *key, char *buf)
{
    return json_text(json_get(j, n, key), buf, TEXT);
}

/* Areas are shown by their number, "0.0.0.0" as 0. */
static unsigned area(const char *dotted)
{
    struct addr a;
    return addr_parse(dotted, &a) == 0 ? addr_v4(&a) : 0;
}

static void upper(char *s)
{
    for (; *s; s++)
        *s = (char)toupper((unsigned char)*s);
}

static void router_line(struct str *out, const struct ospf_shown *s)
{
    char id[ADDR_STRLEN];
    str_printf(out, "\n            OSPF Router with ID (%s) (Process ID %u)\n\n",
               addr_print(&s->id, id, sizeof id), s->process);
}

/* --- neighbours ----------------------------------------------------------------------------------
 */

/* "Full/Backup" as "FULL/BDR". */
static void state(const char *frr, char *buf, size_t cap)
{
    char s[TEXT / 2];
    str_copy(s, sizeof s, frr);
    char *role = strchr(s, '/');
    const char *shown = "  -";
    if (role)
        *role++ = '\0';
    upper(s);
    if (role && strcmp(role, "DR") == 0)
        shown = "DR";
    else if (role && strcmp(role, "Backup") == 0)
        shown = "BDR";
    else if (role && strcmp(role, "DROther") == 0)
        shown = "DROTHER";
    snprintf(buf, cap, "%s/%s", strcmp(s, "2-WAY") == 0 ? "2WAY" : s, shown);
}

static void clock_text(char *buf, size_t cap, unsigned long long ms)
{
    unsigned long long s = ms / 1000;
    snprintf(buf, cap, "%02llu:%02llu:%02llu", s / 3600, s / 60 % 60, s % 60);
}

/* The device in front of the colon of "eth0:10.2.0.1". */
static const char *port_of(const struct ospf_shown *s, char *ifname)
{
    ifname[strcspn(ifname, ":")] = '\0';
    return s->port(s->ctx, ifname);
}

void render_ospf_neighbors(struct str *out, const struct json *j, const struct ospf_shown *s)
{
    char id[TEXT], frr[TEXT], ios[TEXT], dead[TEXT], addr[TEXT], dev[TEXT];
    bool any = false;
    each (j, router, json_get(j, json_root(j), "neighbors")) {
        json_key(router, id, sizeof id);
        each (j, n, router) {
            if (!any)
                str_add(out, "\nNeighbor ID     Pri   State           Dead Time   Address         "
                             "Interface\n");
            any = true;
            state(text(j, n, "nbrState", frr), ios, sizeof ios);
            clock_text(dead, sizeof dead, number(j, n, "routerDeadIntervalTimerDueMsec"));
            str_printf(out, "%-16s%3llu   %-16s%-12s%-16s%s\n", id, number(j, n, "nbrPriority"),
                       ios, dead, text(j, n, "ifaceAddress", addr),
                       port_of(s, text(j, n, "ifaceName", dev)));
        }
    }
}

/* --- interfaces ----------------------------------------------------------------------------------
 */

static const char *if_state(const char *frr)
{
    static const struct {
        const char *frr, *ios;
    } states[] = {{"Backup", "BDR"},      {"DROther", "DROTHER"},
                  {"Waiting", "WAITING"}, {"Point-To-Point", "POINT_TO_POINT"},
                  {"Down", "DOWN"},       {"Loopback", "LOOPBACK"}};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(frr, states[i].frr) == 0)
            return states[i].ios;
    return frr;
}

static void brief_line(struct str *out, const struct json *j, const struct json_node *n,
                       const char *port, const struct ospf_shown *s)
{
    static const struct {
        const char *ios, *brief;
    } states[] = {{"POINT_TO_POINT", "P2P"},
                  {"DROTHER", "DROTH"},
                  {"WAITING", "WAIT"},
                  {"LOOPBACK", "LOOP"}};
    char b[TEXT], a[TEXT], name[INTENT_NAME], addr[TEXT + 8];
    const char *st = if_state(text(j, n, "state", b));
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(st, states[i].ios) == 0)
            st = states[i].brief;
    size_t letters = strcspn(port, "0123456789");
    snprintf(name, sizeof name, "%.*s%s", letters > 2 ? 2 : (int)letters, port, port + letters);
    snprintf(addr, sizeof addr, "%s/%llu", text(j, n, "ipAddress", a),
             number(j, n, "ipAddressPrefixlen"));
    str_printf(out, "%-13s%-6u%-16u%-19s%-6llu%-6s%llu/%llu\n", name, s->process,
               area(text(j, n, "area", a)), addr, number(j, n, "cost"), st,
               number(j, n, "nbrAdjacentCount"), number(j, n, "nbrCount"));
}

static void elected(struct str *out, const struct json *j, const struct json_node *n,
                    const char *what, const char *id, const char *addr)
{
    char a[TEXT], b[TEXT];
    if (json_get(j, n, id))
        str_printf(out, "  %s (ID) %s, Interface address %s\n", what, text(j, n, id, a),
                   text(j, n, addr, b));
    else
        str_printf(out, "  No %c%s on this network\n", tolower((unsigned char)what[0]), what + 1);
}

static void one_interface(struct str *out, const struct json *j, const struct json_node *n,
                          const char *port, const struct ospf_shown *s)
{
    char a[TEXT], b[TEXT], id[ADDR_STRLEN];
    bool up = json_true(json_get(j, n, "ifUp"));
    str_printf(out, "%s is %s, line protocol is %s \n", port, up ? "up" : "down",
               up ? "up" : "down");
    str_printf(out, "  Internet Address %s/%llu, Area %u\n", text(j, n, "ipAddress", a),
               number(j, n, "ipAddressPrefixlen"), area(text(j, n, "area", b)));
    text(j, n, "networkType", a);
    for (char *p = a; *p; p++) /* POINTOPOINT is FRR's way to write it */
        *p = *p == '-' ? '_' : *p;
    str_printf(out, "  Process ID %u, Router ID %s, Network Type %s, Cost: %llu\n", s->process,
               addr_print(&s->id, id, sizeof id),
               strcmp(a, "POINTOPOINT") == 0 ? "POINT_TO_POINT" : a, number(j, n, "cost"));
    const char *st = if_state(text(j, n, "state", b));
    str_printf(out, "  Transmit Delay is %llu sec, State %s, Priority %llu\n",
               number(j, n, "transmitDelaySecs"), st, number(j, n, "priority"));
    if (strcmp(a, "BROADCAST") == 0 || strcmp(a, "NBMA") == 0) {
        elected(out, j, n, "Designated Router", "drId", "drAddress");
        elected(out, j, n, "Backup Designated router", "bdrId", "bdrAddress");
    }
    str_printf(out,
               "  Timer intervals configured, Hello %llu, Dead %llu, Wait %llu, Retransmit %llu\n",
               number(j, n, "timerMsecs") / 1000, number(j, n, "timerDeadSecs"),
               number(j, n, "timerWaitSecs"), number(j, n, "timerRetransmitSecs"));
    if (json_get(j, n, "timerPassiveIface")) {
        str_add(out, "    No Hellos (Passive interface) \n");
    } else {
        clock_text(a, sizeof a, number(j, n, "timerHelloInMsecs"));
        str_printf(out, "    Hello due in %s\n", a);
    }
    str_printf(out, "  Neighbor Count is %llu, Adjacent neighbor count is %llu \n",
               number(j, n, "nbrCount"), number(j, n, "nbrAdjacentCount"));
    str_add(out, "  Suppress hello for 0 neighbor(s)\n");
}

void render_ospf_interfaces(struct str *out, const struct json *j, const struct ospf_shown *s)
{
    bool head = false;
    each (j, n, json_get(j, json_root(j), "interfaces")) {
        char dev[TEXT];
        json_key(n, dev, sizeof dev);
        const char *port = port_of(s, dev);
        if (!json_true(json_get(j, n, "ospfEnabled")) || (s->only && strcmp(port, s->only) != 0))
            continue;
        if (s->brief && !head)
            str_add(out, "Interface    PID   Area            IP Address/Mask    Cost  State Nbrs "
                         "F/C\n");
        head = true;
        if (s->brief)
            brief_line(out, j, n, port, s);
        else
            one_interface(out, j, n, port, s);
    }
}

/* --- the database --------------------------------------------------------------------------------
 */

enum { LAST_NONE, LAST_LINKS, LAST_TAG };

static const struct {
    const char *key, *title;
    int last;
} types[] = {
    {"routerLinkStates", "Router Link States", LAST_LINKS},
    {"networkLinkStates", "Net Link States", LAST_NONE},
    {"summaryLinkStates", "Summary Net Link States", LAST_NONE},
    {"asbrSummaryLinkStates", "Summary ASB Link States", LAST_NONE},
    {"nssaExternalLinkStates", "Type-7 AS External Link States", LAST_TAG},
    {"asExternalLinkStates", "Type-5 AS External Link States", LAST_TAG},
};

static void lsa_line(struct str *out, const struct json *j, const struct json_node *n, int last)
{
    char id[TEXT], router[TEXT], seq[TEXT], sum[TEXT];
    str_printf(out, "%-16s%-16s%-12llu0x%s 0x%06lX", text(j, n, "lsId", id),
               text(j, n, "advertisedRouter", router), number(j, n, "lsaAge"),
               text(j, n, "sequenceNumber", seq), strtoul(text(j, n, "checksum", sum), NULL, 16));
    if (last == LAST_LINKS)
        str_printf(out, " %llu", number(j, n, "numOfRouterLinks"));
    if (last == LAST_TAG)
        str_printf(out, " %llu", number(j, n, "tag"));
    str_addc(out, '\n');
}

static void lsas(struct str *out, const struct json *j, const struct json_node *of,
                 const char *area_id)
{
    static const char *const last[] = {
        [LAST_NONE] = "", [LAST_LINKS] = " Link count", [LAST_TAG] = " Tag"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const struct json_node *list = json_get(j, of, types[i].key);
        if (!json_first(j, list))
            continue;
        str_printf(out, "\t\t%s", types[i].title);
        if (area_id)
            str_printf(out, " (Area %u)", area(area_id));
        str_printf(out, "\n\nLink ID         ADV Router      Age         Seq#       Checksum%s\n",
                   last[types[i].last]);
        each (j, n, list)
            lsa_line(out, j, n, types[i].last);
        str_addc(out, '\n');
    }
}

void render_ospf_database(struct str *out, const struct json *j, const struct ospf_shown *s)
{
    router_line(out, s);
    each (j, n, json_get(j, json_root(j), "areas")) {
        char id[TEXT];
        json_key(n, id, sizeof id);
        lsas(out, j, n, id);
    }
    lsas(out, j, json_root(j), NULL);
}

/* --- border routers ------------------------------------------------------------------------------
 */

static void border(struct str *out, const struct json *j, const struct json_node *n,
                   const struct ospf_shown *s)
{
    char id[TEXT], kind[TEXT], type[TEXT], a[TEXT], gw[TEXT], dev[TEXT];
    const struct json_node *way = json_first(j, json_get(j, n, "nexthops"));
    text(j, n, "routeType", type);
    if (type[0] != 'R')
        return;
    text(j, n, "routerType", kind);
    upper(kind);
    str_printf(out, "%c %s [%llu] via %s, %s, %s, Area %u\n", strstr(type, "IA") ? 'I' : 'i',
               json_key(n, id, sizeof id), number(j, n, "cost"), text(j, way, "ip", gw),
               port_of(s, text(j, way, "via", dev)),
               strcmp(kind, "ABR ASBR") == 0 ? "ABR/ASBR" : kind, area(text(j, n, "area", a)));
}

void render_ospf_borders(struct str *out, const struct json *j, const struct ospf_shown *s)
{
    router_line(out, s);
    str_add(out, "\n\t\tBase Topology (MTID 0)\n\nInternal Router Routing Table\n"
                 "Codes: i - Intra-area route, I - Inter-area route\n\n");
    each (j, n, json_root(j))
        border(out, j, n, s);
}

/* --- the process ---------------------------------------------------------------------------------
 */

static void source(struct str *out, const char *name, const struct intent_ospf_external *e)
{
    if (!e->on)
        return;
    str_printf(out, "    %s", name);
    if (e->metric != OSPF_EXTERNAL_METRIC)
        str_printf(out, " with metric mapped to %u", e->metric);
    str_printf(out, "%s\n", e->subnets ? ", includes subnets in redistribution" : "");
}

void render_ospf_sources(struct str *out, const struct intent *i)
{
    const struct intent_ospf *o = &i->ospf;
    if (!o->statics.on && !o->connected.on)
        return;
    str_add(out, " Redistributing External Routes from,\n");
    source(out, "connected", &o->connected);
    source(out, "static", &o->statics);
}

static bool has_area(const struct intent *i, uint32_t n, uint32_t number)
{
    for (uint32_t k = 0; k < n; k++)
        if (i->ifs[k].ospf.on && i->ifs[k].ospf.area == number)
            return true;
    return false;
}

void render_ospf_areas(struct str *out, const struct intent *i)
{
    unsigned all = 0, stub = 0, nssa = 0;
    for (uint32_t k = 0; k < i->n_if; k++) {
        const struct intent_ospf_if *o = &i->ifs[k].ospf;
        if (!o->on || has_area(i, k, o->area))
            continue;
        all++;
        for (uint32_t n = 0; n < i->ospf.n_area; n++)
            if (i->ospf.area[n].number == o->area)
                *(i->ospf.area[n].nssa ? &nssa : &stub) += 1;
    }
    str_printf(out, "Number of areas in this router is %u. %u normal %u stub %u nssa\n", all,
               all - stub - nssa, stub, nssa);
}

static void one_area(struct str *out, const struct json *j, const struct json_node *n)
{
    static const char *const sums[] = {"lsaRouterChecksum",    "lsaNetworkChecksum",
                                       "lsaSummaryChecksum",   "lsaAsbrChecksum",
                                       "lsaNssaChecksum",      "lsaOpaqueLinkChecksum",
                                       "lsaOpaqueAreaChecksum"};
    char id[TEXT];
    unsigned long long sum = 0;
    json_key(n, id, sizeof id);
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
        sum += number(j, n, sums[i]);
    if (json_true(json_get(j, n, "backbone")))
        str_add(out, "    Area BACKBONE(0)\n");
    else
        str_printf(out, "    Area %u\n", area(id));
    str_printf(out, "        Number of interfaces in this area is %llu\n",
               number(j, n, "areaIfTotalCounter"));
    str_add(out, json_is(json_get(j, n, "authentication"), "authenticationNone")
                     ? "        Area has no authentication\n"
                     : "        Area has authentication\n");
    str_printf(out, "        SPF algorithm executed %llu times\n",
               number(j, n, "spfExecutedCounter"));
    str_printf(out, "        Number of LSA %llu. Checksum Sum 0x%06llX\n",
               number(j, n, "lsaNumber"), sum);
}

void render_ospf(struct str *out, const struct json *j, const struct ospf_shown *s)
{
    const struct json_node *r = json_root(j);
    char id[ADDR_STRLEN];
    str_printf(out, " Routing Process \"ospf %u\" with ID %s\n", s->process,
               addr_print(&s->id, id, sizeof id));
    str_add(out, " Supports only single TOS(TOS0) routes\n");
    if (json_get(j, r, "abrType"))
        str_add(out, " It is an area border router\n");
    if (json_get(j, r, "asbrRouter"))
        str_add(out, " It is an autonomous system boundary router\n");
    render_ospf_sources(out, s->intent);
    str_printf(out, " Initial SPF schedule delay %llu msecs\n",
               number(j, r, "spfScheduleDelayMsecs"));
    str_printf(out, " Minimum hold time between two consecutive SPFs %llu msecs\n",
               number(j, r, "holdtimeMinMsecs"));
    str_printf(out, " Maximum wait time between two consecutive SPFs %llu msecs\n",
               number(j, r, "holdtimeMaxMsecs"));
    str_printf(out, " Minimum LSA interval %llu msecs\n", number(j, r, "lsaMinIntervalMsecs"));
    str_printf(out, " Minimum LSA arrival %llu msecs\n", number(j, r, "lsaMinArrivalMsecs"));
    str_printf(out, " Number of external LSA %llu. Checksum Sum 0x%06llX\n",
               number(j, r, "lsaExternalCounter"), number(j, r, "lsaExternalChecksum"));
    str_printf(out, " Number of opaque AS LSA %llu. Checksum Sum 0x%06llX\n",
               number(j, r, "lsaAsopaqueCounter"), number(j, r, "lsaAsOpaqueChecksum"));
    str_addc(out, ' ');
    render_ospf_areas(out, s->intent);
    str_printf(out, " Reference bandwidth unit is %u mbps\n", OSPF_REFERENCE_KBPS / 1000);
    each (j, n, json_get(j, r, "areas"))
        one_area(out, j, n);
}
