/*
 * NAT traversal, RFC 3947: each side hashes the addresses and ports of a message as it sees them;
 * what the other finds different was changed on the way. Then both go on at port 4500 and ESP is
 * put into UDP.
 */
#include "control/isakmp/internal.h"
#include "lib/mem.h"

/* §3.2: HASH(CKY-I | CKY-R | IP | Port), with the negotiated hash. 0 or -errno. */
static int hash_end(const struct isk_sa *sa, const struct addr *a, uint16_t port,
                    uint8_t out[IKE_PRF_MAX])
{
    const struct transform *t = transform_find(T_PRF, sa->s.suite.prf, 0);
    uint8_t cookies[ISK_COOKIES_LEN], p[2] = {(uint8_t)(port >> 8), (uint8_t)port};
    struct wbuf w = wbuf_make(cookies, sizeof cookies);

    if (!t)
        return -1;
    wbuf_u64(&w, sa->s.spi_i);
    wbuf_u64(&w, sa->s.spi_r);
    struct bytes in[] = {{cookies, sizeof cookies}, {a->b, addr_size(a)}, {p, sizeof p}};
    return ike_digest(sa->k->c, t->ossl, in, 3, out);
}

/* Numbers were changed twice: for draft 4, which has those that follow RFC 2408's, and for the RFC,
 * since by then these were given away. Modes have been the RFC's since draft 4. */
static uint8_t by_version(const struct isk_sa *sa, uint8_t rfc, uint8_t draft_07, uint8_t draft_03)
{
    if (sa->vendors & VID_RFC3947)
        return rfc;
    return sa->vendors & VID_NATT_07 ? draft_07 : draft_03;
}

static uint8_t natd_type(const struct isk_sa *sa)
{
    return by_version(sa, ISP_NATD, ISP_NATD_07, ISP_NATD_DRAFT);
}

/* The other side's end first, then ours. */
void isk_w_natd(struct isk_sa *sa, struct ike_writer *w)
{
    const struct ike_path *p = &sa->s.path;
    size_t len = ike_prf_len(sa->s.suite.prf);
    uint8_t hash[IKE_PRF_MAX];

    if (!(sa->vendors & VID_NATT))
        return;
    if (hash_end(sa, &p->remote, p->rport, hash) == 0)
        ike_w_payload(w, natd_type(sa), hash, len);
    if (hash_end(sa, &p->local, p->lport, hash) == 0)
        ike_w_payload(w, natd_type(sa), hash, len);
}

void isk_take_natd(struct isk_sa *sa, const struct isk_rx *rx)
{
    size_t len = ike_prf_len(sa->s.suite.prf);
    uint8_t ours[IKE_PRF_MAX], theirs[IKE_PRF_MAX];
    unsigned n = 0;
    bool dest_ok = false, source_ok = false;

    if (hash_end(sa, &rx->path->local, rx->path->lport, ours) < 0 ||
        hash_end(sa, &rx->path->remote, rx->path->rport, theirs) < 0)
        return;
    for (unsigned i = 0; i < rx->pl.n; i++) {
        const struct ike_payload *pl = &rx->pl.v[i];
        if (pl->type != ISP_NATD)
            continue;
        isk_debug(sa->k, ISAKMP_DBG_ISAKMP, "ISAKMP:received payload type %u",
                  (unsigned)natd_type(sa));
        bool first = n++ == 0, ok = pl->len == len;
        /* A peer with several addresses sends several sources; one match is enough. */
        if (first)
            dest_ok = ok && mem_equal_ct(pl->p, ours, len);
        else
            source_ok |= ok && mem_equal_ct(pl->p, theirs, len);
        if (first)
            isk_debug_old(sa, dest_ok ? "His hash no match - this node outside NAT"
                                      : "NAT found, this node inside NAT");
    }
    if (n < 2)
        return;
    sa->s.nat_local = !dest_ok;
    sa->s.nat_remote = !source_ok;
    isk_debug_old(sa, source_ok && dest_ok ? "No NAT Found for self or peer"
                      : !source_ok         ? "NAT found, peer is behind NAT"
                                           : "NAT found, both nodes negotiate NAT-T");
}

/* §4: the initiator goes to 4500 with its next message. */
void isk_float(struct isk_sa *sa)
{
    struct ike_path *p = &sa->s.path;

    if ((!sa->s.nat_local && !sa->s.nat_remote) || p->lport == ISK_PORT_NAT)
        return;
    p->lport = ISK_PORT_NAT;
    if (p->rport == ISK_PORT)
        p->rport = ISK_PORT_NAT;
}

/* A responder hears at 4500 where the initiator went to; a NAT may move it later, too (§5). */
void isk_follow(struct isk_sa *sa, const struct ike_path *p)
{
    struct ike_path *own = &sa->s.path;
    bool floats = own->lport == ISK_PORT && p->lport == ISK_PORT_NAT;

    if (!floats && (!sa->s.nat_remote || sa->s.nat_local || own->lport != p->lport))
        return;
    if (!addr_eq(&own->local, &p->local) ||
        (addr_eq(&own->remote, &p->remote) && own->rport == p->rport && own->lport == p->lport))
        return;
    *own = *p;
    isk_sa_moved(sa);
    isk_sa_changed(sa);
}

uint16_t isk_wire_mode(const struct isk_sa *sa, uint8_t mode)
{
    if (!sa->s.nat_local && !sa->s.nat_remote)
        return mode;
    return (uint16_t)(mode + (sa->natt_draft ? ISK_MODE_UDP_DRAFT : ISK_MODE_UDP));
}

uint8_t isk_mode_of_wire(const struct isk_sa *sa, uint64_t wire)
{
    if (wire == isk_wire_mode(sa, SADB_TUNNEL))
        return SADB_TUNNEL;
    return wire == isk_wire_mode(sa, SADB_TRANSPORT) ? SADB_TRANSPORT : 0;
}

/* §5.2: the addresses before any NAT, for the checksums of transport mode: initiator's, then
 * responder's. */
void isk_w_natoa(struct isk_sa *sa, struct ike_writer *w, bool initiator)
{
    const struct addr *ends[] = {initiator ? &sa->s.path.local : &sa->s.path.remote,
                                 initiator ? &sa->s.path.remote : &sa->s.path.local};

    for (int i = 0; i < 2; i++) {
        ike_w_begin(w, by_version(sa, ISP_NATOA, ISP_NATOA_07, ISP_NATOA_DRAFT));
        wbuf_u8(&w->w, ends[i]->family == AF_INET6 ? ISID_IPV6 : ISID_IPV4);
        wbuf_u8(&w->w, 0);
        wbuf_u16(&w->w, 0);
        wbuf_bytes(&w->w, ends[i]->b, addr_size(ends[i]));
        ike_w_end(w);
    }
}
