/*
 * show crypto session [detail|brief]: what IKE and IPsec have with each peer, as IOS prints it.
 * A session is an interface with a peer: its IKE SAs, and the proxy identities as flows.
 */
#include "lib/vec.h"
#include "modes/internal.h"
#include "modes/ipsec.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct session_list {
    struct query_identity *id;
    const struct ike_sa_state **sa;
    size_t n_id, cap_id, n_sa, cap_sa;
};

static bool add_identity(void *ctx, const struct query_identity *q)
{
    struct session_list *l = (struct session_list *)ctx;
    if (!q->ifp || !q->entry || !q->ace)
        return true;
    if (!VEC_ROOM(l->id, l->cap_id, l->n_id + 1))
        return false;
    l->id[l->n_id++] = *q;
    return true;
}

static bool add_sa(void *ctx, const struct ike_sa_state *sa)
{
    struct session_list *l = (struct session_list *)ctx;
    if (sa->state == IKE_IDLE || sa->state == IKE_DEAD)
        return true;
    if (!VEC_ROOM(l->sa, l->cap_sa, l->n_sa + 1))
        return false;
    l->sa[l->n_sa++] = sa;
    return true;
}

const char *ipsec_local(const struct query_identity *q, char buf[ADDR_STRLEN])
{
    return addr_is_set(&q->local) ? addr_print(&q->local, buf, ADDR_STRLEN) : "0.0.0.0";
}

struct addr ipsec_peer(const struct query_identity *q)
{
    if (q->sa)
        return q->sa->path.remote;
    if (addr_is_set(&q->current_peer) || !q->entry->n_peer)
        return q->current_peer;
    return q->entry->peer[0];
}

/* By interface and peer, flows in their order: what belongs together stands together. */
static int by_session(const void *x, const void *y)
{
    const struct query_identity *a = (const struct query_identity *)x;
    const struct query_identity *b = (const struct query_identity *)y;
    struct addr pa = ipsec_peer(a), pb = ipsec_peer(b);
    int c = a->ifid < b->ifid ? -1 : a->ifid > b->ifid;
    if (!c)
        c = addr_cmp(&pa, &pb);
    if (!c)
        c = a->entry->seq < b->entry->seq ? -1 : a->entry->seq > b->entry->seq;
    return c ? c : (a->ace->line < b->ace->line ? -1 : a->ace->line > b->ace->line);
}

/* An IKE SA has no interface of its own before it has a child; its addresses say where it belongs.
 */
static int ends_cmp(const struct ike_sa_state *sa, const struct addr *remote,
                    const struct addr *local)
{
    int c = addr_cmp(&sa->path.remote, remote);
    return c ? c : addr_cmp(&sa->path.local, local);
}

static int sa_by_ends(const void *x, const void *y)
{
    const struct ike_sa_state *a = *(const struct ike_sa_state *const *)x;
    const struct ike_sa_state *b = *(const struct ike_sa_state *const *)y;
    int c = ends_cmp(a, &b->path.remote, &b->path.local);
    return c ? c : (a->tunnel_id < b->tunnel_id ? -1 : a->tunnel_id > b->tunnel_id);
}

static size_t first_sa(const struct session_list *l, const struct addr *peer,
                       const struct addr *local)
{
    size_t lo = 0, hi = l->n_sa;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (ends_cmp(l->sa[mid], peer, local) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void gather(struct control *c, struct session_list *l)
{
    query_identities(c, add_identity, l);
    query_ike_sas(c, add_sa, l);
    if (l->n_id)
        qsort(l->id, l->n_id, sizeof *l->id, by_session);
    if (l->n_sa)
        qsort(l->sa, l->n_sa, sizeof *l->sa, sa_by_ends);
}

/* One session: its flows, its SAs, and what they say together. */
struct crypto_session {
    const struct query_identity *id;
    const struct ike_sa_state *const *sa;
    size_t n_id, n_sa;
    struct addr peer;
    bool ike_up, ike_busy, active, standby;
    usec_t since; /* 0 = not up */
};

/* Our end of it: where a flow has an SA, that is sure. */
static const struct addr *local_end(const struct crypto_session *s)
{
    for (size_t i = 0; i < s->n_id; i++)
        if (s->id[i].sa)
            return &s->id[i].sa->path.local;
    return &s->id[0].local;
}

static void judge(struct crypto_session *s, const struct session_list *l)
{
    const struct addr *local = local_end(s);
    size_t at = first_sa(l, &s->peer, local);
    s->sa = l->sa ? l->sa + at : NULL;
    while (addr_is_set(&s->peer) && at + s->n_sa < l->n_sa &&
           ends_cmp(s->sa[s->n_sa], &s->peer, local) == 0) {
        const struct ike_sa_state *sa = s->sa[s->n_sa++];
        s->ike_up = s->ike_up || sa->state == IKE_ESTABLISHED;
        s->ike_busy = s->ike_busy || sa->state < IKE_ESTABLISHED;
        s->standby = s->standby || sa->passive;
        if (sa->established && (!s->since || sa->established < s->since))
            s->since = sa->established;
    }
    for (size_t i = 0; i < s->n_id; i++) {
        const struct ike_child_state *k = s->id[i].child;
        s->active = s->active || k;
        s->standby = s->standby || ipsec_is_standby(&s->id[i]);
        if (k && (!s->since || k->created < s->since))
            s->since = k->created;
    }
}

static const char *status(const struct crypto_session *s)
{
    if (s->standby)
        return "UP-STANDBY";
    if (s->active)
        return s->ike_up ? "UP-ACTIVE" : "UP-NO-IKE";
    return s->ike_up ? "UP-IDLE" : s->ike_busy ? "DOWN-NEGOTIATING" : "DOWN";
}

static void phase1_id(struct str *out, const struct crypto_session *s)
{
    for (size_t i = 0; i < s->n_sa; i++)
        if (s->sa[i]->remote_id.type) {
            render_identity(out, &s->sa[i]->remote_id);
            return;
        }
    str_add(out, "(none)");
}

static void hms(struct str *out, uint64_t sec)
{
    str_printf(out, "%02llu:%02llu:%02llu", LLU(sec / 3600), LLU(sec / 60 % 60), LLU(sec % 60));
}

static void capabilities(struct str *out, const struct ike_sa_state *sa)
{
    bool any = sa->dpd_seconds || sa->nat_local || sa->nat_remote || sa->peer_fragments;
    str_add(out, "          Capabilities:");
    if (!any)
        str_add(out, "(none)");
    if (sa->dpd_seconds)
        str_addc(out, 'D');
    if (sa->nat_local || sa->nat_remote)
        str_addc(out, 'N');
    if (sa->peer_fragments)
        str_addc(out, 'F');
}

static void ike_line(struct str *out, const struct ike_sa_state *sa, usec_t now, bool detail)
{
    char a[ADDR_STRLEN], b[ADDR_STRLEN];
    str_printf(out, "  IKEv%u SA: local %s/%u remote %s/%u %s \n", sa->version == IKE_V1 ? 1u : 2u,
               addr_print(&sa->path.local, a, sizeof a), sa->path.lport,
               addr_print(&sa->path.remote, b, sizeof b), sa->path.rport,
               sa->state == IKE_ESTABLISHED ? "Active" : "Inactive");
    if (!detail)
        return;
    capabilities(out, sa);
    str_printf(out, " connid:%u lifetime:", sa->tunnel_id);
    hms(out, sa->expires > now ? (uint64_t)((sa->expires - now) / USEC_PER_SEC) : 0);
    str_addc(out, '\n');
}

static void proxy(struct str *out, const struct addr_range *r, const uint16_t port[2])
{
    struct prefix p;
    char a[PREFIX_STRLEN], m[ADDR_STRLEN];
    if (!range_to_prefix(r, &p)) {
        str_printf(out, " %s-%s", addr_print(&r->lo, a, sizeof a), addr_print(&r->hi, m, sizeof m));
    } else if (p.len == addr_bits(&p.addr)) {
        str_printf(out, " host %s", addr_print(&p.addr, a, sizeof a));
    } else if (p.addr.family == AF_INET6) {
        str_printf(out, " %s", prefix_print(&p, a, sizeof a));
    } else {
        struct addr mask = addr_len_to_mask(AF_INET, p.len);
        str_printf(out, " %s/%s", addr_print(&p.addr, a, sizeof a), addr_print(&mask, m, sizeof m));
    }
    if (port[0] == port[1])
        str_printf(out, " port %u", port[0]);
}

static void flow(struct str *out, const struct cmd *c, const struct query_identity *q, usec_t now,
                 bool detail)
{
    const struct selector *s = q->child && q->child->n_ts ? &q->child->ts[0] : &q->ace->sel;
    const struct ike_child_state *k = q->child;
    str_add(out, "  IPSEC FLOW: permit ");
    if (s->proto == 0)
        str_add(out, s->local.lo.family == AF_INET6 ? "ipv6" : "ip");
    else
        str_printf(out, "%u", s->proto);
    proxy(out, &s->local, s->lport);
    proxy(out, &s->remote, s->rport);
    str_printf(out, " \n        Active SAs: %u, origin: %s\n", k ? (k->ah_integ ? 4u : 2u) : 0u,
               q->entry->dynamic ? "dynamic crypto map" : "crypto map");
    if (!detail)
        return;
    const struct dp_counters *in = k ? query_counters(c->control, k->slot_in) : NULL;
    const struct dp_counters *o = k ? query_counters(c->control, k->slot_out) : NULL;
    str_printf(out, "        Inbound:  #pkts dec'ed %llu drop %llu life (KB/Sec) %llu/%llu\n",
               LLU(ipsec_packets(in)), LLU(ipsec_all_drops(in)),
               LLU(k ? ipsec_kbytes_left(k, in) : 0), LLU(k ? ipsec_seconds_left(k, now) : 0));
    str_printf(out, "        Outbound: #pkts enc'ed %llu drop %llu life (KB/Sec) %llu/%llu\n",
               LLU(ipsec_packets(o)), LLU(ipsec_all_drops(o)), LLU(k ? ipsec_kbytes_left(k, o) : 0),
               LLU(k ? ipsec_seconds_left(k, now) : 0));
}

static void one_session(struct str *out, const struct cmd *c, const struct crypto_session *s,
                        bool detail)
{
    usec_t now = clock_mono(control_clock(c->control));
    char peer[ADDR_STRLEN];
    bool up = (s->ike_up || s->active) && !s->standby;
    str_printf(out, "\nInterface: %s\n", if_shown_name(s->id[0].ifp, c->asa));
    if (detail && up && s->since) {
        str_add(out, "Uptime: ");
        hms(out, (uint64_t)((now - s->since) / USEC_PER_SEC));
        str_addc(out, '\n');
    }
    str_printf(out, "Session status: %s     \n", status(s));
    str_printf(out, "Peer: %s port %u ",
               addr_is_set(&s->peer) ? addr_print(&s->peer, peer, sizeof peer) : "0.0.0.0",
               s->n_sa ? s->sa[0]->path.rport : 500);
    if (detail) {
        str_add(out, "fvrf: (none) ivrf: (none)\n");
        if (!up)
            str_add(out, "      Desc: (none)\n");
        str_add(out, "      Phase1_id: ");
        if (s->standby)
            str_add(out, "(none)");
        else
            phase1_id(out, s);
        str_add(out, up ? "\n      Desc: (none)" : "");
    }
    str_addc(out, '\n');
    for (size_t i = 0; i < s->n_sa; i++)
        ike_line(out, s->sa[i], now, detail);
    for (size_t i = 0; i < s->n_id; i++)
        flow(out, c, &s->id[i], now, detail);
}

static void brief_status(char code[3], const struct crypto_session *s)
{
    bool up = s->ike_up || s->active;
    code[0] = up ? 'U' : 'D';
    code[1] = s->standby    ? 'S'
              : up          ? (s->active ? (s->ike_up ? 'A' : 'K') : 'I')
              : s->ike_busy ? 'N'
                            : '\0';
    code[2] = '\0';
}

/* "Gi0/0" of "GigabitEthernet0/0". */
static void short_name(const char *name, char out[16])
{
    size_t n = strcspn(name, "0123456789");
    snprintf(out, 16, "%.2s%.13s", name, name + n);
}

static void one_brief(struct str *out, const struct cmd *c, const struct crypto_session *s)
{
    usec_t now = clock_mono(control_clock(c->control));
    struct str id = {0}, age = {0};
    char peer[ADDR_STRLEN], code[3], name[16];
    if (s->ike_up || s->n_sa)
        phase1_id(&id, s);
    if (s->since && !s->standby)
        hms(&age, (uint64_t)((now - s->since) / USEC_PER_SEC));
    brief_status(code, s);
    short_name(s->id[0].ifp->name, name);
    str_printf(out, "%16s %7s %15s %24s %8s %5s\n",
               addr_is_set(&s->peer) ? addr_print(&s->peer, peer, sizeof peer) : "0.0.0.0", name,
               "", str_text(&id), str_text(&age), code);
    str_free(&id);
    str_free(&age);
}

static void heading(struct cmd *c, const struct a_show_crypto_session *a)
{
    if (a->brief)
        cmd_puts(c, "Status: A- Active, U - Up, D - Down, I - Idle, S - Standby, N - Negotiating\n"
                    "        K - No IKE\n"
                    "ivrf = (none)\n"
                    "           Peer     I/F        Username          Group/Phase1_id   Uptime "
                    "Status\n");
    else
        cmd_puts(c, "Crypto session current status\n");
    if (a->detail)
        cmd_puts(c, "\nCode: C - IKE Configuration mode, D - Dead Peer Detection     \n"
                    "K - Keepalives, N - NAT-traversal, T - cTCP encapsulation     \n"
                    "X - IKE Extended Authentication, F - IKE Fragmentation\n");
}

static bool at_ports(const struct crypto_session *s, const struct a_show_crypto_session *a)
{
    bool any = !a->has_lport && !a->has_rport;
    for (size_t i = 0; i < s->n_sa && !any; i++)
        any = (!a->has_lport || s->sa[i]->path.lport == a->lport) &&
              (!a->has_rport || s->sa[i]->path.rport == a->rport);
    return any;
}

static bool meant(const struct crypto_session *s, const struct a_show_crypto_session *a)
{
    if (a->has_fvrf || a->has_ivrf) /* there are none */
        return false;
    if ((a->has_remote && !addr_eq(&a->remote, &s->peer)) ||
        (a->has_local && !addr_eq(&a->local, local_end(s))))
        return false;
    if ((a->standby && !s->standby) || (a->active && (s->standby || !(s->ike_up || s->active))))
        return false;
    return at_ports(s, a);
}

int show_crypto_session(struct cmd *c, const struct a_show_crypto_session *a)
{
    struct session_list l = {0};
    struct str out = {0};
    gather(c->control, &l);
    heading(c, a);
    for (size_t i = 0, n; i < l.n_id; i += n) {
        struct crypto_session s = {.id = &l.id[i], .peer = ipsec_peer(&l.id[i])};
        for (n = 1; i + n < l.n_id && l.id[i + n].ifid == l.id[i].ifid; n++) {
            struct addr p = ipsec_peer(&l.id[i + n]);
            if (!addr_eq(&p, &s.peer))
                break;
        }
        s.n_id = n;
        judge(&s, &l);
        if (!meant(&s, a))
            continue;
        if (a->brief)
            one_brief(&out, c, &s);
        else
            one_session(&out, c, &s, a->detail);
        cmd_puts(c, str_text(&out));
        str_clear(&out);
    }
    if (!a->brief)
        cmd_puts(c, "\n");
    str_free(&out);
    free(l.id);
    free((void *)l.sa);
    return CMD_OK;
}
