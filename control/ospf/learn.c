/* What ospfd says. See learn.h. */
#include "control/ospf/learn.h"
#include "lib/str.h"
#include "lib/vec.h"
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
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

static bool path_of(const char *type, enum ospf_path *out)
{
    static const struct {
        const char *text;
        enum ospf_path path;
    } paths[] = {{"N", OSPF_INTRA}, {"N IA", OSPF_INTER}, {"N E1", OSPF_E1},
                 {"N E2", OSPF_E2}, {"E1", OSPF_E1},      {"E2", OSPF_E2}};
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
        if (strcmp(type, paths[i].text) == 0) {
            *out = paths[i].path;
            return true;
        }
    return false; /* a router's own entry, or what a border router discards */
}

static bool prefix_of(const char *key, struct prefix *out)
{
    char text[PREFIX_STRLEN], *end;
    str_copy(text, sizeof(text), key);
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

static const char *text_of(const json_t *n, const char *key)
{
    const char *s = json_string_value(json_object_get(n, key));
    return s ? s : "";
}

static uint32_t number_of(const json_t *n, const char *key)
{
    json_int_t v = json_integer_value(json_object_get(n, key));
    return v > 0 && v <= UINT32_MAX ? (uint32_t)v : 0;
}

static bool add_way(const json_t *way, const struct ospf_route *of, struct ospf_routes *out)
{
    struct ospf_route r = *of;
    if (addr_parse(text_of(way, "ip"), &r.gateway) != 0 || addr_is_any(&r.gateway))
        return true;
    str_copy(r.netdev, sizeof(r.netdev), text_of(way, "via"));
    if (!r.netdev[0])
        return true;
    if (!VEC_ROOM(out->v, out->cap, out->n + 1))
        return false;
    out->v[out->n++] = r;
    return true;
}

static bool one_route(const char *dst, const json_t *n, struct ospf_routes *out)
{
    struct ospf_route r = {0};
    const json_t *way;
    size_t k;
    if (!path_of(text_of(n, "routeType"), &r.path) || !prefix_of(dst, &r.dst))
        return true;
    bool type2 = r.path == OSPF_E2 && json_object_get(n, "type2cost");
    r.metric = number_of(n, type2 ? "type2cost" : "cost");
    r.tag = number_of(n, "tag");
    json_array_foreach(json_object_get(n, "nexthops"), k,
                       way) if (!add_way(way, &r, out)) return false;
    return true;
}

int ospf_read_routes(const char *text, size_t len, struct ospf_routes *out)
{
    const char *dst;
    json_t *n, *answer = json_loadb(text, len, 0, NULL);
    int err = 0;
    *out = (struct ospf_routes){0};
    if (!answer)
        return -EINVAL;
    json_object_foreach(answer, dst, n)
    {
        if (one_route(dst, n, out))
            continue;
        ospf_routes_free(out);
        err = -ENOMEM;
        break;
    }
    json_decref(answer);
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
