/*
 * show crypto ipsec sa as IOS prints it (seed 004): a block for each protected proxy identity,
 * whether it has SAs or not.
 */
#include "modes/internal.h"
#include "modes/ipsec.h"
#include <string.h>

void ipsec_set_ios(struct str *out, const struct ike_esp_proposal *p)
{
    const struct transform *a = transform_find(T_INTEG, p->ah, 0);
    if (p->ah && a)
        str_printf(out, "ah%s ", a->ios + 3);
    for (unsigned i = 0; i < p->n_encr; i++) {
        const struct transform *t = transform_find(T_ENCR, p->encr[i].id, p->encr[i].keybits);
        str_printf(out, "%s ", t ? t->ios : "?");
    }
    for (unsigned i = 0; i < p->n_integ; i++) {
        const struct transform *t = transform_find(T_INTEG, p->integ[i], 0);
        if (t && *t->ios)
            str_printf(out, "%s ", t->ios);
    }
}

void ipsec_transform_ios(struct str *out, const struct ike_child_state *c, bool ah)
{
    struct ike_esp_proposal p = {.ah = ah ? (c->proto == SADB_AH ? c->integ : c->ah_integ) : 0};
    if (!ah) {
        p.n_encr = 1;
        p.encr[0] = (struct ike_alg){c->encr, c->encr_bits};
        p.n_integ = c->integ ? 1 : 0;
        p.integ[0] = c->integ;
    }
    ipsec_set_ios(out, &p);
}

/* Every packet has all headers of its SA, so what each of them has done follows from their number:
 * AH alone has encrypted none, and ESP without integrity has made no digest. */
static void counters(struct str *out, const struct ipsec_view *v)
{
    uint64_t tx = ipsec_packets(v->out), rx = ipsec_packets(v->in);
    const struct ike_child_state *c = v->q->child;
    const struct transform *e = c ? transform_find(T_ENCR, c->encr, c->encr_bits) : NULL;
    bool esp = c && c->proto != SADB_AH, icv = c && (c->integ || c->ah_integ || (e && e->icv_len));
    str_printf(out, "    #pkts encaps: %llu, #pkts encrypt: %llu, #pkts digest: %llu\n", LLU(tx),
               LLU(esp ? tx : 0), LLU(icv ? tx : 0));
    str_printf(out, "    #pkts decaps: %llu, #pkts decrypt: %llu, #pkts verify: %llu\n", LLU(rx),
               LLU(esp ? rx : 0), LLU(icv ? rx : 0));
    str_add(out, "    #pkts compressed: 0, #pkts decompressed: 0\n"
                 "    #pkts not compressed: 0, #pkts compr. failed: 0\n"
                 "    #pkts not decompressed: 0, #pkts decompress failed: 0\n");
}

/* detail replaces the sums of errors by their causes. */
static void causes(struct str *out, const struct ipsec_view *v)
{
    const struct dp_counters *o = v->out, *i = v->in;
    str_printf(out, "    #pkts no sa (send) %llu, #pkts invalid sa (rcv) %llu\n",
               LLU(ipsec_unprotected(v->line) + ipsec_unprotected(o)),
               LLU(ipsec_drops(i, DP_UNKNOWN_SPI)));
    str_printf(out, "    #pkts encaps failed (send) %llu, #pkts decaps failed (rcv) %llu\n",
               LLU(ipsec_drops(o, DP_SEND_ERROR)), LLU(ipsec_drops(i, DP_TUN_ERROR)));
    str_printf(out, "    #pkts invalid prot (recv) %llu, #pkts verify failed: %llu\n",
               LLU(ipsec_drops(i, DP_BAD_INNER)), LLU(ipsec_drops(i, DP_BAD_ICV)));
    str_printf(out, "    #pkts invalid identity (recv) %llu, #pkts invalid len (rcv) %llu\n",
               LLU(ipsec_drops(i, DP_SELECTOR)),
               LLU(ipsec_drops(i, DP_BAD_LENGTH) + ipsec_drops(i, DP_BAD_PADDING)));
    str_printf(out, "    #pkts replay rollover (send): %llu, #pkts replay rollover (rcv) 0\n",
               LLU(ipsec_drops(o, DP_SEQ_OVERFLOW)));
    str_printf(out, "    ##pkts replay failed (rcv): %llu\n", LLU(ipsec_drops(i, DP_REPLAY)));
    str_add(out, "    #pkts tagged (send): 0, #pkts untagged (rcv): 0\n"
                 "    #pkts not tagged (send): 0, #pkts not untagged (rcv): 0\n");
    str_printf(out, "    #pkts internal err (send): %llu, #pkts internal err (recv) %llu\n",
               LLU(ipsec_drops(o, DP_CRYPTO_ERROR)), LLU(ipsec_drops(i, DP_CRYPTO_ERROR)));
}

static void one_sa(struct str *out, const struct ipsec_view *v, bool in, bool ah)
{
    const struct ike_child_state *c = v->q->child;
    const struct dp_counters *d = in ? v->in : v->out;
    const struct transform *e = transform_find(T_ENCR, c->encr, c->encr_bits);
    uint32_t spi = in ? c->spi_in : c->spi_out, id = ipsec_conn_id(in ? c->sa_in : c->sa_out);
    uint64_t window = v->in ? dp_read(&v->in->replay_window) : 0;
    if (ah && c->proto != SADB_AH)
        spi = in ? c->ah_spi_in : c->ah_spi_out;
    str_printf(out, "      spi: 0x%X(%u)\n        transform: ", spi, spi);
    ipsec_transform_ios(out, c, ah);
    str_printf(out, ",\n        in use settings ={%s%s, }\n",
               c->mode == SADB_TRANSPORT ? "Transport" : "Tunnel", c->udp ? " UDP-Encaps" : "");
    str_printf(out, "        conn id: %u, flow_id: SW:%u, sibling_flags %s, crypto map: %s\n", id,
               id, c->mode == SADB_TRANSPORT ? "80000006" : "80000046", c->map);
    if (c->life_kbytes)
        str_printf(out, "        sa timing: remaining key lifetime (k/sec): (%llu/%llu)\n",
                   LLU(ipsec_kbytes_left(c, d)), LLU(ipsec_seconds_left(c, v->now)));
    else
        str_printf(out,
                   "        Kilobyte Volume Rekey has been disabled\n"
                   "        sa timing: remaining key lifetime (sec): %llu\n",
                   LLU(ipsec_seconds_left(c, v->now)));
    if (!ah)
        str_printf(out, "        IV size: %u bytes\n", e ? e->iv_len : 0);
    str_printf(out, "        replay detection support: %s\n        Status: %s\n",
               window ? "Y" : "N", ipsec_is_standby(v->q) ? "STANDBY" : "ACTIVE");
}

static void sas(struct str *out, const struct ipsec_view *v, bool in)
{
    const struct ike_child_state *c = v->q->child;
    const char *dir = in ? "inbound" : "outbound";
    str_printf(out, "     %s esp sas:\n", dir);
    if (c && c->proto == SADB_ESP)
        one_sa(out, v, in, false);
    str_printf(out, "\n     %s ah sas:\n", dir);
    if (c && (c->proto == SADB_AH || c->ah_integ))
        one_sa(out, v, in, true);
    str_printf(out, "\n     %s pcp sas:\n\n", dir);
}

void render_ipsec_sa_ios(struct str *out, const struct ipsec_view *v)
{
    const struct query_identity *q = v->q;
    const struct selector *s = q->child && q->child->n_ts ? &q->child->ts[0] : &q->ace->sel;
    uint64_t pmtu = v->out ? dp_read(&v->out->pmtu) : 0;
    uint32_t spi = q->child ? q->child->spi_out : 0;
    struct addr p = ipsec_peer(q);
    char a[ADDR_STRLEN], peer[ADDR_STRLEN] = "0.0.0.0";
    if (addr_is_set(&p))
        addr_print(&p, peer, sizeof peer);
    str_add(out, "\n   protected vrf: (none)\n   local  ident (addr/mask/prot/port): ");
    ipsec_ident(out, &s->local, s->proto, s->lport);
    str_add(out, "   remote ident (addr/mask/prot/port): ");
    ipsec_ident(out, &s->remote, s->proto, s->rport);
    str_printf(out, "   current_peer %s port %u\n", peer, q->sa ? q->sa->path.rport : 500);
    str_printf(out, "     PERMIT, flags={%s}\n", q->entry->dynamic ? "" : "origin_is_acl,");
    counters(out, v);
    if (v->detail)
        causes(out, v);
    else
        str_printf(out, "    #send errors %llu, #recv errors %llu\n",
                   LLU(ipsec_unprotected(v->line) + ipsec_send_errors(v->out)),
                   LLU(ipsec_all_drops(v->in)));
    if (v->identity)
        return;
    str_printf(out, "\n     local crypto endpt.: %s, remote crypto endpt.: %s\n", ipsec_local(q, a),
               peer);
    str_printf(out, "     path mtu %llu, ip mtu %u, ip mtu idb %s\n", LLU(pmtu ? pmtu : v->mtu),
               v->mtu, v->ifname);
    str_printf(out, "     current outbound spi: 0x%X(%u)\n", spi, spi);
    if (q->child && q->child->pfs_group)
        str_printf(out, "     PFS (Y/N): Y, DH group: group%u\n\n", q->child->pfs_group);
    else
        str_add(out, "     PFS (Y/N): N, DH group: none\n\n");
    sas(out, v, true);
    sas(out, v, false);
}
