/* The layouts of OSPF's shows. See render_ospf.h. */
#include "modes/render_ospf.h"
#include "control/intent.h"
#include "modes/internal.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT 64

static unsigned long long number(const json_t *n, const char *key)
{
    json_int_t v = json_integer_value(json_object_get(n, key));
    return v > 0 ? (unsigned long long)v : 0;
}

/* "" where there is none. It stays as long as the answer. */
static const char *text(const json_t *n, const char *key)
{
    const char *s = json_string_value(json_object_get(n, key));
    return s ? s : "";
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
static const char *port_of(const struct ospf_shown *s, const char *ifname, char dev[TEXT])
{
    snprintf(dev, TEXT, "%.*s", (int)strcspn(ifname, ":"), ifname);
    return s->port(s->ctx, dev); /* dev itself when it is no port of ours */
}

static void neighbor_line(struct str *out, const char *id, const json_t *n,
                          const struct ospf_shown *s)
{
    char ios[TEXT], dead[TEXT], dev[TEXT];
    state(text(n, "nbrState"), ios, sizeof ios);
    clock_text(dead, sizeof dead, number(n, "routerDeadIntervalTimerDueMsec"));
    str_printf(out, "%-16s%3llu   %-16s%-12s%-16s%s\n", id, number(n, "nbrPriority"), ios, dead,
               text(n, "ifaceAddress"), port_of(s, text(n, "ifaceName"), dev));
}

void render_ospf_neighbors(struct str *out, json_t *answer, const struct ospf_shown *s)
{
    const char *id;
    json_t *links, *n;
    size_t k;
    bool any = false;
    json_object_foreach(json_object_get(answer, "neighbors"), id, links)
    {
        json_array_foreach(links, k, n)
        {
            if (!any)
                str_add(out, "\nNeighbor ID     Pri   State           Dead Time   Address         "
                             "Interface\n");
            any = true;
            neighbor_line(out, id, n, s);
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

static void brief_line(struct str *out, const json_t *n, const char *port,
                       const struct ospf_shown *s)
{
    static const struct {
        const char *ios, *brief;
    } states[] = {{"POINT_TO_POINT", "P2P"},
                  {"DROTHER", "DROTH"},
                  {"WAITING", "WAIT"},
                  {"LOOPBACK", "LOOP"}};
    char name[INTENT_NAME], addr[TEXT];
    const char *st = if_state(text(n, "state"));
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (strcmp(st, states[i].ios) == 0)
            st = states[i].brief;
    size_t letters = strcspn(port, "0123456789");
    snprintf(name, sizeof name, "%.*s%s", letters > 2 ? 2 : (int)letters, port, port + letters);
    snprintf(addr, sizeof addr, "%s/%llu", text(n, "ipAddress"), number(n, "ipAddressPrefixlen"));
    str_printf(out, "%-13s%-6u%-16u%-19s%-6llu%-6s%llu/%llu\n", name, s->process,
               area(text(n, "area")), addr, number(n, "cost"), st, number(n, "nbrAdjacentCount"),
               number(n, "nbrCount"));
}

static void elected(struct str *out, const json_t *n, const char *what, const char *id,
                    const char *addr)
{
    if (json_object_get(n, id))
        str_printf(out, "  %s (ID) %s, Interface address %s\n", what, text(n, id), text(n, addr));
    else
        str_printf(out, "  No %c%s on this network\n", tolower((unsigned char)what[0]), what + 1);
}

static void one_interface(struct str *out, const json_t *n, const char *port,
                          const struct ospf_shown *s)
{
    char type[TEXT], due[TEXT], id[ADDR_STRLEN];
    bool up = json_is_true(json_object_get(n, "ifUp"));
    str_printf(out, "%s is %s, line protocol is %s \n", port, up ? "up" : "down",
               up ? "up" : "down");
    str_printf(out, "  Internet Address %s/%llu, Area %u\n", text(n, "ipAddress"),
               number(n, "ipAddressPrefixlen"), area(text(n, "area")));
    str_copy(type, sizeof type, text(n, "networkType"));
    for (char *p = type; *p; p++) /* POINTOPOINT is FRR's way to write it */
        *p = *p == '-' ? '_' : *p;
    str_printf(out, "  Process ID %u, Router ID %s, Network Type %s, Cost: %llu\n", s->process,
               addr_print(&s->id, id, sizeof id),
               strcmp(type, "POINTOPOINT") == 0 ? "POINT_TO_POINT" : type, number(n, "cost"));
    const char *st = if_state(text(n, "state"));
    str_printf(out, "  Transmit Delay is %llu sec, State %s, Priority %llu\n",
               number(n, "transmitDelaySecs"), st, number(n, "priority"));
    if (strcmp(type, "BROADCAST") == 0 || strcmp(type, "NBMA") == 0) {
        elected(out, n, "Designated Router", "drId", "drAddress");
        elected(out, n, "Backup Designated router", "bdrId", "bdrAddress");
    }
    str_printf(out,
               "  Timer intervals configured, Hello %llu, Dead %llu, Wait %llu, Retransmit %llu\n",
               number(n, "timerMsecs") / 1000, number(n, "timerDeadSecs"),
               number(n, "timerWaitSecs"), number(n, "timerRetransmitSecs"));
    if (json_object_get(n, "timerPassiveIface")) {
        str_add(out, "    No Hellos (Passive interface) \n");
    } else {
        clock_text(due, sizeof due, number(n, "timerHelloInMsecs"));
        str_printf(out, "    Hello due in %s\n", due);
    }
    str_printf(out, "  Neighbor Count is %llu, Adjacent neighbor count is %llu \n",
               number(n, "nbrCount"), number(n, "nbrAdjacentCount"));
    str_add(out, "  Suppress hello for 0 neighbor(s)\n");
}

void render_ospf_interfaces(struct str *out, json_t *answer, const struct ospf_shown *s)
{
    const char *dev;
    json_t *n;
    bool head = false;
    json_object_foreach(json_object_get(answer, "interfaces"), dev, n)
    {
        char name[TEXT];
        const char *port = port_of(s, dev, name);
        if (!json_is_true(json_object_get(n, "ospfEnabled")) ||
            (s->only && strcmp(port, s->only) != 0))
            continue;
        if (s->brief && !head)
            str_add(out, "Interface    PID   Area            IP Address/Mask    Cost  State Nbrs "
                         "F/C\n");
        head = true;
        if (s->brief)
            brief_line(out, n, port, s);
        else
            one_interface(out, n, port, s);
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

static void lsa_line(struct str *out, const json_t *n, int last)
{
    str_printf(out, "%-16s%-16s%-12llu0x%s 0x%06lX", text(n, "lsId"), text(n, "advertisedRouter"),
               number(n, "lsaAge"), text(n, "sequenceNumber"),
               strtoul(text(n, "checksum"), NULL, 16));
    if (last == LAST_LINKS)
        str_printf(out, " %llu", number(n, "numOfRouterLinks"));
    if (last == LAST_TAG)
        str_printf(out, " %llu", number(n, "tag"));
    str_addc(out, '\n');
}

static void lsas(struct str *out, const json_t *of, const char *area_id)
{
    static const char *const last[] = {
        [LAST_NONE] = "", [LAST_LINKS] = " Link count", [LAST_TAG] = " Tag"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        const json_t *list = json_object_get(of, types[i].key), *n;
        size_t k;
        if (!json_array_size(list))
            continue;
        str_printf(out, "\t\t%s", types[i].title);
        if (area_id)
            str_printf(out, " (Area %u)", area(area_id));
        str_printf(out, "\n\nLink ID         ADV Router      Age         Seq#       Checksum%s\n",
                   last[types[i].last]);
        json_array_foreach(list, k, n) lsa_line(out, n, types[i].last);
        str_addc(out, '\n');
    }
}

void render_ospf_database(struct str *out, json_t *answer, const struct ospf_shown *s)
{
    const char *id;
    json_t *n;
    router_line(out, s);
    json_object_foreach(json_object_get(answer, "areas"), id, n) lsas(out, n, id);
    lsas(out, answer, NULL);
}

/* --- border routers ------------------------------------------------------------------------------
 */

static void border(struct str *out, const char *id, const json_t *n, const struct ospf_shown *s)
{
    char dev[TEXT];
    const json_t *way = json_array_get(json_object_get(n, "nexthops"), 0);
    const char *type = text(n, "routeType");
    char kind[TEXT];
    if (type[0] != 'R')
        return;
    str_copy(kind, sizeof kind, text(n, "routerType"));
    upper(kind);
    str_printf(out, "%c %s [%llu] via %s, %s, %s, Area %u\n", strstr(type, "IA") ? 'I' : 'i', id,
               number(n, "cost"), text(way, "ip"), port_of(s, text(way, "via"), dev),
               strcmp(kind, "ABR ASBR") == 0 ? "ABR/ASBR" : kind, area(text(n, "area")));
}

void render_ospf_borders(struct str *out, json_t *answer, const struct ospf_shown *s)
{
    const char *id;
    json_t *n;
    router_line(out, s);
    str_add(out, "\n\t\tBase Topology (MTID 0)\n\nInternal Router Routing Table\n"
                 "Codes: i - Intra-area route, I - Inter-area route\n\n");
    json_object_foreach(answer, id, n) border(out, id, n, s);
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

static void one_area(struct str *out, const char *id, const json_t *n)
{
    static const char *const sums[] = {"lsaRouterChecksum",    "lsaNetworkChecksum",
                                       "lsaSummaryChecksum",   "lsaAsbrChecksum",
                                       "lsaNssaChecksum",      "lsaOpaqueLinkChecksum",
                                       "lsaOpaqueAreaChecksum"};
    unsigned long long sum = 0;
    for (size_t i = 0; i < sizeof sums / sizeof *sums; i++)
        sum += number(n, sums[i]);
    if (json_is_true(json_object_get(n, "backbone")))
        str_add(out, "    Area BACKBONE(0)\n");
    else
        str_printf(out, "    Area %u\n", area(id));
    str_printf(out, "        Number of interfaces in this area is %llu\n",
               number(n, "areaIfTotalCounter"));
    str_add(out, strcmp(text(n, "authentication"), "authenticationNone") == 0
                     ? "        Area has no authentication\n"
                     : "        Area has authentication\n");
    str_printf(out, "        SPF algorithm executed %llu times\n", number(n, "spfExecutedCounter"));
    str_printf(out, "        Number of LSA %llu. Checksum Sum 0x%06llX\n", number(n, "lsaNumber"),
               sum);
}

void render_ospf(struct str *out, json_t *answer, const struct ospf_shown *s)
{
    char id[ADDR_STRLEN];
    const char *number_of;
    json_t *n;
    str_printf(out, " Routing Process \"ospf %u\" with ID %s\n", s->process,
               addr_print(&s->id, id, sizeof id));
    str_add(out, " Supports only single TOS(TOS0) routes\n");
    if (json_object_get(answer, "abrType"))
        str_add(out, " It is an area border router\n");
    if (json_object_get(answer, "asbrRouter"))
        str_add(out, " It is an autonomous system boundary router\n");
    render_ospf_sources(out, s->intent);
    str_printf(out, " Initial SPF schedule delay %llu msecs\n",
               number(answer, "spfScheduleDelayMsecs"));
    str_printf(out, " Minimum hold time between two consecutive SPFs %llu msecs\n",
               number(answer, "holdtimeMinMsecs"));
    str_printf(out, " Maximum wait time between two consecutive SPFs %llu msecs\n",
               number(answer, "holdtimeMaxMsecs"));
    str_printf(out, " Minimum LSA interval %llu msecs\n", number(answer, "lsaMinIntervalMsecs"));
    str_printf(out, " Minimum LSA arrival %llu msecs\n", number(answer, "lsaMinArrivalMsecs"));
    str_printf(out, " Number of external LSA %llu. Checksum Sum 0x%06llX\n",
               number(answer, "lsaExternalCounter"), number(answer, "lsaExternalChecksum"));
    str_printf(out, " Number of opaque AS LSA %llu. Checksum Sum 0x%06llX\n",
               number(answer, "lsaAsopaqueCounter"), number(answer, "lsaAsOpaqueChecksum"));
    str_addc(out, ' ');
    render_ospf_areas(out, s->intent);
    str_printf(out, " Reference bandwidth unit is %u mbps\n", OSPF_REFERENCE_KBPS / 1000);
    json_object_foreach(json_object_get(answer, "areas"), number_of, n) one_area(out, number_of, n);
}
