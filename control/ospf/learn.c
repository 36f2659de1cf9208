/* What ospfd says. See learn.h. */
#include "control/ospf/learn.h"
#include "lib/json.h"
#include "lib/str.h"
#include "lib/vec.h"
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void ospf_routes_free(struct ospf_routes *r)
{
    free(r->v);
    *r = (struct ospf_routes){0};
}

/* --- routes --------------------------------------------------------------------------------------
 */

static bool path_of(const struct json_node *type, enum ospf_path *out)
{
    static const struct {
        const char *text;
        enum ospf_path path;
    } paths[] = {{"N", OSPF_INTRA}, {"N IA", OSPF_INTER}, {"N E1", OSPF_E1},
                 {"N E2", OSPF_E2}, {"E1", OSPF_E1},      {"E2", OSPF_E2}};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (json_is(type, paths[i].text)) {
            *out = paths[i].path;
            return true;
        }
    return false; /* a router's own entry, or what a border router discards */
}

static bool prefix_of(const struct json_node *n, struct prefix *out)
{
    char text[PREFIX_STRLEN], *end;
    json_key(n, text, sizeof(text));
    char *slash = strchr(text, '/');
    if (!slash)
        return false;
    *slash = '\0';
    struct addr a;
    unsigned long len = strtoul(slash + 1, &end, 10);
    if (addr_parse(text, &a) != 0 || a.family != AF_INET || end == slash + 1 || *end || len > 32)
        return false;
    *out = prefix_make(&a, (unsigned)len);
    return true;
}

static bool add_way(const struct json *j, const struct json_node *way, const struct ospf_route *of,
                    struct ospf_routes *out)
{
    struct ospf_route r = *of;
    if (!json_addr(json_get(j, way, "ip"), &r.gateway) || addr_is_any(&r.gateway))
        return true;
    json_text(json_get(j, way, "via"), r.netdev, sizeof(r.netdev));
    if (!r.netdev[0])
        return true;
    if (!VEC_ROOM(out->v, out->cap, out->n + 1))
        return false;
    out->v[out->n++] = r;
    return true;
}

static bool one_route(const struct json *j, const struct json_node *n, struct ospf_routes *out)
{
    struct ospf_route r = {0};
    if (!path_of(json_get(j, n, "routeType"), &r.path) || !prefix_of(n, &r.dst))
        return true;
    const struct json_node *cost = json_get(j, n, "cost");
    if (r.path == OSPF_E2 && json_get(j, n, "type2cost"))
        cost = json_get(j, n, "type2cost");
    r.metric = (uint32_t)json_number(cost);
    r.tag = (uint32_t)json_number(json_get(j, n, "tag"));
    const struct json_node *way = json_first(j, json_get(j, n, "nexthops"));
    for (; way; way = json_next(j, way))
        if (!add_way(j, way, &r, out))
            return false;
    return true;
}

int ospf_read_routes(const char *text, size_t len, struct ospf_routes *out)
{
    struct json j;
    *out = (struct ospf_routes){0};
    int err = json_parse(&j, text, len, OSPF_NODES_MAX);
    if (err)
        return err;
    for (const struct json_node *n = json_first(&j, json_root(&j)); n; n = json_next(&j, n)) {
        if (one_route(&j, n, out))
            continue;
        ospf_routes_free(out);
        err = -ENOMEM;
        break;
    }
    json_free(&j);
    return err;
}

/* --- neighbours ----------------------------------------------------------------------------------
 */

/* The events of RFC 2328 §10.2 as ospfd names them, and what IOS says. */
static const struct {
    const char *event, *why;
} reasons[] = {
    {"InactivityTimer", "Neighbor Down: Dead timer expired"},
    {"KillNbr", "Neighbor Down: Interface down or detached"},
    {"LLDown", "Neighbor Down: Interface down or detached"},
    {"LoadingDone", "Loading Done"},
    {"ExchangeDone", "Exchange Done"},
    {"NegotiationDone", "Negotiation Done"},
    {"HelloReceived", "Received Hello"},
    {"2-WayReceived", "2-Way Received"},
    {"AdjOK?", "AdjOK?"},
    {"SeqNumberMismatch", "Sequence Number Mismatch"},
    {"BadLSReq", "Bad LS Request"},
    {"1-WayReceived", "1-Way"},
    {"Start", "Start"},
};

static const char *reason(const char *event, const char *to)
{
    /* With nothing to load ospfd goes from Exchange to Full at once. */
    if (strcmp(to, "FULL") == 0)
        return "Loading Done";
    for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
        if (strcmp(event, reasons[i].event) == 0)
            return reasons[i].why;
    return "Neighbor Down: Interface down or detached";
}

static void as_ios(char *state)
{
    if (strcmp(state, "Deleted") == 0)
        str_copy(state, OSPF_STATE, "DOWN");
    if (strcmp(state, "2-Way") == 0)
        str_copy(state, OSPF_STATE, "2WAY");
    for (char *p = state; *p; p++)
        *p = (char)toupper((unsigned char)*p);
}

/* "… AdjChg: Nbr 10.0.0.1, NbrIP 10.2.0.1 (default) on eth0:10.2.0.2: Loading -> Full
 * (LoadingDone)"; older ones have the vrf behind the first address. */
bool ospf_read_change(const char *line, struct ospf_change *out)
{
    char id[ADDR_STRLEN], event[32];
    const char *at = strstr(line, "AdjChg: Nbr ");
    *out = (struct ospf_change){0};
    if (!at || sscanf(at, "AdjChg: Nbr %45[0-9.]", id) != 1 || addr_parse(id, &out->neighbor) != 0)
        return false;
    at = strstr(at, " on ");
    if (!at || sscanf(at, " on %15[^: ]:%*[0-9.]: %15[^ ] -> %15[^ ] (%31[^)])", out->netdev,
                      out->from, out->to, event) != 4)
        return false;
    as_ios(out->from);
    as_ios(out->to);
    out->why = reason(event, out->to);
    return true;
}
