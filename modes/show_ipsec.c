/*
 * show crypto ipsec sa: one block per protected proxy identity that has an SA.
 */
#include "modes/internal.h"
#include "modes/ipsec.h"
#include <string.h>
#include <strings.h>

struct sizes {
    uint64_t cut, failed, pieces, sent, rcvd;
};

static struct sizes sizes_of(const struct dp_counters *c)
{
    if (!c)
        return (struct sizes){0};
    return (struct sizes){dp_read(&c->cut), dp_read(&c->cut_failed), dp_read(&c->pieces),
                          dp_read(&c->pmtu_sent), dp_read(&c->pmtu_rcvd)};
}

void ipsec_ident(struct str *out, const struct addr_range *r, uint8_t proto, const uint16_t port[2])
{
    struct prefix p;
    char a[PREFIX_STRLEN], m[ADDR_STRLEN];
    bool any = port[0] == 0 && port[1] == UINT16_MAX;
    str_addc(out, '(');
    if (range_to_prefix(r, &p) && p.addr.family == AF_INET6) {
        str_add(out, prefix_print(&p, a, sizeof a));
    } else if (range_to_prefix(r, &p)) {
        struct addr mask = addr_len_to_mask(p.addr.family, p.len);
        str_printf(out, "%s/%s", addr_print(&p.addr, a, sizeof a), addr_print(&mask, m, sizeof m));
    } else {
        str_printf(out, "%s-%s", addr_print(&r->lo, a, sizeof a), addr_print(&r->hi, m, sizeof m));
    }
    str_printf(out, "/%u/%u)\n", proto, any ? 0u : port[0]);
}

static void counters(struct str *out, const struct ipsec_view *v)
{
    uint64_t tx = ipsec_packets(v->out), rx = ipsec_packets(v->in);
    str_printf(out, "      #pkts encaps: %llu, #pkts encrypt: %llu, #pkts digest: %llu\n", LLU(tx),
               LLU(tx), LLU(tx));
    str_printf(out, "      #pkts decaps: %llu, #pkts decrypt: %llu, #pkts verify: %llu\n", LLU(rx),
               LLU(rx), LLU(rx));
    str_add(out, "      #pkts compressed: 0, #pkts decompressed: 0\n");
    str_printf(out,
               "      #pkts not compressed: %llu, #pkts comp failed: 0, #pkts decomp failed: 0\n",
               LLU(tx));
    struct sizes z = sizes_of(v->out);
    str_printf(out,
               "      #pre-frag successes: %llu, #pre-frag failures: %llu, #fragments created: "
               "%llu\n",
               LLU(z.cut), LLU(z.failed), LLU(z.pieces));
    str_printf(out,
               "      #PMTUs sent: %llu, #PMTUs rcvd: %llu, #decapsulated frgs needing "
               "reassembly: 0\n",
               LLU(z.sent), LLU(z.rcvd));
    str_add(out, "      #TFC rcvd: 0, #TFC sent: 0\n"
                 "      #Valid ICMP Errors rcvd: 0, #Invalid ICMP Errors rcvd: 0\n");
}

/* The ASA's detail replaces the two sums of errors by their causes. */
static void causes(struct str *out, const struct ipsec_view *v)
{
    const struct dp_counters *o = v->out, *i = v->in;
    str_printf(out, "      #pkts no sa (send): %llu, #pkts invalid sa (rcv): %llu\n",
               LLU(ipsec_drops(o, DP_NO_SA) + ipsec_drops(o, DP_QUEUE_FULL)),
               LLU(ipsec_drops(i, DP_UNKNOWN_SPI)));
    str_printf(out, "      #pkts encaps failed (send): %llu, #pkts decaps failed (rcv): %llu\n",
               LLU(ipsec_drops(o, DP_SEND_ERROR)), LLU(ipsec_drops(i, DP_TUN_ERROR)));
    str_printf(out, "      #pkts invalid prot (rcv): %llu, #pkts verify failed: %llu\n",
               LLU(ipsec_drops(i, DP_BAD_INNER)), LLU(ipsec_drops(i, DP_BAD_ICV)));
    str_printf(out, "      #pkts invalid identity (rcv): %llu, #pkts invalid len (rcv): %llu\n",
               LLU(ipsec_drops(i, DP_SELECTOR)), LLU(ipsec_drops(i, DP_BAD_LENGTH)));
    str_printf(out, "      #pkts invalid pad (rcv): %llu,\n", LLU(ipsec_drops(i, DP_BAD_PADDING)));
    str_printf(out, "      #pkts replay rollover (send): %llu, #pkts replay rollover (rcv): 0\n",
               LLU(ipsec_drops(o, DP_SEQ_OVERFLOW)));
    str_printf(out, "      #pkts replay failed (rcv): %llu\n", LLU(ipsec_drops(i, DP_REPLAY)));
    str_printf(out,
               "      #pkts min mtu frag failed (send): %llu, #pkts bad frag offset (rcv): 0\n",
               LLU(ipsec_drops(o, DP_TOO_BIG)));
    str_printf(out, "      #pkts internal err (send): %llu, #pkts internal err (rcv): %llu\n",
               LLU(ipsec_drops(o, DP_CRYPTO_ERROR)), LLU(ipsec_drops(i, DP_CRYPTO_ERROR)));
}

/* Bytes that protection adds at most, and those before the payload: outer header, (UDP,) ESP, IV;
 * then padding to a block with its two bytes and the ICV (RFC 4303 §2). */
static void overhead(const struct ike_child_state *c, bool v6, unsigned *all, unsigned *front)
{
    const struct transform *e = transform_find(T_ENCR, c->encr, c->encr_bits);
    const struct transform *i = transform_find(T_INTEG, c->integ, 0);
    unsigned icv = e && e->icv_len ? e->icv_len : (i ? i->icv_len : 0);
    *front = (v6 ? 40 : 20) + 8 + (e ? e->iv_len : 0) + (c->udp ? 8 : 0);
    *all = *front + (e ? e->block : 1) + 2 + icv;
}

static void transforms(struct str *out, const struct ike_child_state *c)
{
    const struct transform *e = transform_find(T_ENCR, c->encr, c->encr_bits);
    const struct transform *i = transform_find(T_INTEG, c->integ, 0);
    str_printf(out, "         transform: %s %s no compression \n", e ? e->esp : "?",
               i && !(e && e->icv_len) ? i->esp : "esp-null-hmac");
}

static void lifetime(struct str *out, const struct ipsec_view *v, const struct dp_counters *d)
{
    const struct ike_child_state *c = v->q->child;
    int64_t left = (c->expires - v->now) / USEC_PER_SEC;
    uint64_t used = ipsec_used(d) / 1024;
    if (left < 0)
        left = 0;
    if (c->life_kbytes)
        str_printf(out, "         sa timing: remaining key lifetime (kB/sec): (%llu/%lld)\n",
                   LLU(used < c->life_kbytes ? c->life_kbytes - used : 0), (long long)left);
    else
        str_printf(out, "         sa timing: remaining key lifetime (sec): %lld\n",
                   (long long)left);
}

static void one_sa(struct str *out, const struct ipsec_view *v, uint32_t spi,
                   const struct dp_counters *d)
{
    const struct ike_child_state *c = v->q->child;
    const struct transform *e = transform_find(T_ENCR, c->encr, c->encr_bits);
    uint64_t window = d ? atomic_load_explicit(&d->window[0], memory_order_relaxed) : 0;
    bool replay = v->in && dp_read(&v->in->replay_window);
    str_printf(out, "      spi: 0x%08X (%u)\n         SA State: active\n", spi, spi);
    transforms(out, c);
    str_printf(out, "         in use settings ={L2L, %s, %s",
               c->mode == SADB_TRANSPORT ? "Transport" : "Tunnel", c->udp ? " NAT-T-Encaps, " : "");
    if (c->pfs_group)
        str_printf(out, "PFS Group %u, ", c->pfs_group);
    str_printf(out, "%sIKEv%u, }\n", c->esn ? "ESN, " : "", v->q->sa->version == IKE_V1 ? 1u : 2u);
    str_printf(out, "         slot: 0, conn_id: %u, crypto-map: %s\n", c->conn_id, c->map);
    lifetime(out, v, d);
    str_printf(out, "         IV size: %u bytes\n", e ? e->iv_len : 0);
    str_printf(out, "         replay detection support: %s\n", replay ? "Y" : "N");
    str_printf(out, "         Anti replay bitmap: \n          0x%08X 0x%08X\n",
               (unsigned)(window >> 32), (unsigned)(window & UINT32_MAX));
}

static long long pmtu_left(const struct ipsec_view *v)
{
    usec_t until = v->out ? atomic_load_explicit(&v->out->pmtu_until_us, memory_order_relaxed) : 0;
    return until > v->now ? (long long)((until - v->now) / USEC_PER_SEC) : 0;
}

static const char *df_policy(const struct dp_counters *out)
{
    uint64_t flags = out ? dp_read(&out->flags) : 0;
    return flags & SADB_DF_SET ? "set-df" : flags & SADB_DF_CLEAR ? "clear-df" : "copy-df";
}

static void endpoints(struct str *out, const struct ipsec_view *v)
{
    const struct ike_path *p = &v->q->sa->path;
    char l[ADDR_STRLEN], r[ADDR_STRLEN];
    unsigned all, front;
    overhead(v->q->child, p->remote.family == AF_INET6, &all, &front);
    str_printf(out, "\n      local crypto endpt.: %s/%u, remote crypto endpt.: %s/%u\n",
               addr_print(&p->local, l, sizeof l), p->lport, addr_print(&p->remote, r, sizeof r),
               p->rport);
    uint64_t pmtu = v->out ? dp_read(&v->out->pmtu) : 0;
    str_printf(out, "      path mtu %llu, ipsec overhead %u(%u), media mtu %u\n",
               LLU(pmtu ? pmtu : v->mtu), all, front, v->mtu);
    str_printf(out, "      PMTU time remaining (sec): %lld, DF policy: %s\n", pmtu_left(v),
               df_policy(v->out));
    str_add(out, "      ICMP error validation: disabled, TFC packets: disabled\n");
    str_printf(out, "      current outbound spi: %08X\n      current inbound spi : %08X\n\n",
               v->q->child->spi_out, v->q->child->spi_in);
}

void render_ipsec_sa(struct str *out, const struct ipsec_view *v)
{
    const struct query_identity *q = v->q;
    const struct selector *s = q->child->n_ts ? &q->child->ts[0] : &q->ace->sel;
    char local[ADDR_STRLEN], peer[ADDR_STRLEN];
    str_printf(out, "    Crypto map tag: %s, seq num: %u, local addr: %s\n\n", q->map->name,
               q->entry->seq, addr_print(&q->local, local, sizeof local));
    str_add(out, "      ");
    render_ace(out, q->entry->acl ? q->entry->acl->name : "", q->ace, true);
    str_add(out, " \n");
    str_add(out, "      local ident (addr/mask/prot/port): ");
    ipsec_ident(out, &s->local, s->proto, s->lport);
    str_add(out, "      remote ident (addr/mask/prot/port): ");
    ipsec_ident(out, &s->remote, s->proto, s->rport);
    str_printf(out, "      current_peer: %s\n\n\n",
               addr_print(&q->sa->path.remote, peer, sizeof peer));
    counters(out, v);
    if (v->detail)
        causes(out, v);
    else
        str_printf(out, "      #send errors: %llu, #recv errors: %llu\n",
                   LLU(ipsec_send_errors(v->out)), LLU(ipsec_all_drops(v->in)));
    endpoints(out, v);
    str_add(out, "    inbound esp sas:\n");
    one_sa(out, v, q->child->spi_in, v->in);
    str_add(out, "    outbound esp sas:\n");
    one_sa(out, v, q->child->spi_out, v->out);
    str_addc(out, '\n');
}

/* --- the hook --------------------------------------------------------------------------------- */

struct ipsec_show {
    struct cmd *c;
    const struct a_show_ipsec_sa *a;
    struct str out;
    const struct intent_if *last;
    unsigned shown, sas;
};

static bool wanted(const struct ipsec_show *s, const struct query_identity *q)
{
    const struct a_show_ipsec_sa *a = s->a;
    if (!q->ifp || !q->map || !q->entry || !q->ace || (s->c->asa && (!q->sa || !q->child)))
        return false;
    if (a->has_vrf) /* there are none */
        return false;
    if ((a->active || a->standby) && (!q->child || ipsec_is_standby(q) != a->standby))
        return false;
    if (a->has_peer && (!q->sa || !addr_eq(&a->peer, &q->sa->path.remote)))
        return false;
    if (a->has_map && strcmp(a->map, q->map->name) != 0)
        return false;
    if (a->has_ifname && strcmp(a->ifname, q->ifp->name) != 0)
        return false;
    return !a->has_nameif || strcasecmp(a->nameif, if_shown_name(q->ifp, s->c->asa)) == 0;
}

static void heading(struct ipsec_show *s, const struct query_identity *q, const char *ifname)
{
    char local[ADDR_STRLEN];
    if (s->last == q->ifp)
        return;
    s->last = q->ifp;
    if (s->c->asa)
        str_printf(&s->out, "interface: %s\n", ifname);
    else
        str_printf(&s->out, "\ninterface: %s\n    Crypto map tag: %s, local addr %s\n", ifname,
                   q->map->name, ipsec_local(q, local));
}

static bool each_identity(void *ctx, const struct query_identity *q)
{
    struct ipsec_show *s = (struct ipsec_show *)ctx;
    if (!wanted(s, q))
        return true;
    struct ipsec_view v = {.q = q,
                           .ifname = if_shown_name(q->ifp, s->c->asa),
                           .mtu = q->ifp->mtu ? q->ifp->mtu : 1500,
                           .now = clock_mono(control_clock(s->c->control)),
                           .detail = s->a->detail,
                           .identity = s->a->identity};
    s->shown++;
    v.line = query_counters(s->c->control, q->slot);
    if (q->child) {
        v.in = query_counters(s->c->control, q->child->slot_in);
        v.out = query_counters(s->c->control, q->child->slot_out);
        s->sas += 2;
    }
    if (s->a->count)
        return true;
    heading(s, q, v.ifname);
    if (!s->c->asa)
        render_ipsec_sa_ios(&s->out, &v);
    else if (q->child)
        render_ipsec_sa(&s->out, &v);
    cmd_puts(s->c, str_text(&s->out));
    str_clear(&s->out);
    return true;
}

int show_ipsec_sa(struct cmd *c, const struct a_show_ipsec_sa *a)
{
    struct ipsec_show s = {.c = c, .a = a};
    query_identities(c->control, each_identity, &s);
    if (a->count)
        cmd_printf(c, "IPsec SA total: %u, active: %u, rekeying: 0, unused: 0, invalid: 0\n", s.sas,
                   s.sas);
    else if (!s.shown)
        cmd_puts(c, c->asa ? "\nThere are no ipsec sas\n" : "\nNo SAs found\n");
    str_free(&s.out);
    return CMD_OK;
}
