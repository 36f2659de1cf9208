/*
 * What hosts send: IP packets of any shape, against a policy.
 *
 * Input: a byte that says how many lines the policy has, twelve bytes for each line, and then the
 * packet. Whatever the parser accepts lies within the packet and has a selector that holds it, and
 * the lookup with its cache says the same as a walk through the lines.
 */
#include "dataplane/ip.h"
#include "dataplane/spd.h"
#include "tests/fuzz/fuzz.h"
#include <stdlib.h>
#include <string.h>

#define LINES 8
#define LINE  12

static struct addr_range range(const uint8_t *b, bool six)
{
    struct addr_range r = {{0}, {0}};
    r.lo.family = r.hi.family = six ? AF_INET6 : AF_INET;
    unsigned n = addr_size(&r.lo);
    memset(r.lo.b, b[0], n);
    memset(r.hi.b, b[0], n);
    r.hi.b[n - 1] = 0xff; /* never empty: the last byte of lo is at most this */
    if (b[1] & 1)
        memset(r.lo.b, 0, n), memset(r.hi.b, 0xff, n);
    return r;
}

static void line(struct sadb_spd_entry *e, const uint8_t *b, uint32_t i)
{
    memset(e, 0, sizeof *e);
    e->policy = i + 1;
    e->map_seq = 1 + i / (1 + (b[0] & 3));
    e->action = b[0] & 4 ? SPD_SKIP : SPD_PROTECT;
    e->slot = SADB_NO_SLOT;
    e->sel.local = range(b + 1, b[0] & 8);
    e->sel.remote = range(b + 3, b[0] & 8);
    e->sel.proto = b[5];
    e->sel.lport[0] = b[6];
    e->sel.lport[1] = b[0] & 16 ? 65535 : (uint16_t)(b[6] + b[7]);
    e->sel.rport[0] = (uint16_t)(b[8] << 8 | b[9]);
    e->sel.rport[1] = b[0] & 32 ? 65535 : e->sel.rport[0];
}

/* The policy number that a reader of the lines would find; 0: in clear. A line about ports says
 * nothing of a fragment that has none, unless it protects: then it is never in clear. */
static uint32_t model(const struct sadb_spd_entry *e, uint32_t n, const struct flow *f)
{
    uint32_t leave = 0;
    for (uint32_t i = 0; i < n; i++) {
        const struct selector *s = &e[i].sel;
        bool ports =
            s->lport[0] != 0 || s->lport[1] != 65535 || s->rport[0] != 0 || s->rport[1] != 65535;
        if (e[i].map_seq == leave || !selector_match(s, f))
            continue;
        if (e[i].action == SPD_PROTECT)
            return e[i].policy;
        if (!(f->flags & FLOW_NO_PORTS) || !ports)
            leave = e[i].map_seq;
    }
    return 0;
}

static void check(struct spd *s, const struct sadb_spd_entry *e, uint32_t n,
                  const struct ip_info *in)
{
    struct selector own = selector_of_flow(&in->flow);
    if (!selector_match(&own, &in->flow))
        abort();
    for (int again = 0; s && again < 2; again++) {
        const struct policy *p = spd_lookup(s, &in->flow);
        if ((p ? p->id : 0) != model(e, n, &in->flow))
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct sadb_spd_entry e[LINES];
    struct ip_info out, in;
    uint32_t n = len ? data[0] % (LINES + 1) : 0;
    if (len < 1 + n * LINE || len > 4096)
        return 0;
    for (uint32_t i = 0; i < n; i++)
        line(&e[i], data + 1 + (size_t)i * LINE, i);
    data += 1 + n * LINE;
    len -= 1 + n * LINE;
    struct spd_table *t = calloc(1, sizeof *t);
    struct policies *ps = calloc(1, sizeof *ps);
    uint8_t *p = malloc(len ? len : 1); /* exact, for the sanitizer */
    memcpy(p, data, len);
    bool set = spd_collect(t, 1, e, n) == 0 && spd_commit(t, ps, 1) == 0;
    bool a = ip_parse(p, len, false, &out) == 0, b = ip_parse(p, len, true, &in) == 0;
    if (a != b || (a && (out.total > len || !addr_eq(&out.flow.local, &in.flow.remote))))
        abort();
    if (a) {
        check(set ? spd_find(t, 1) : NULL, e, n, &out);
        check(set ? spd_find(t, 1) : NULL, e, n, &in);
        ip_ttl_give_back(p);
        ip_ecn_take(p, len > 1 ? data[1] : 0);
    }
    spd_forget_pending(t);
    spd_flush(t, ps, 0);
    if (ps->n || ps->queued_bytes)
        abort();
    free(p);
    free(ps);
    free(t);
    return 0;
}
