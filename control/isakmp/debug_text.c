/* Debug texts of several lines: what was offered, what was chosen, which SAs were made. */
#include "control/isakmp/internal.h"
#include "lib/str.h"
#include <inttypes.h>
#include <stdio.h>

static void say(const struct isk_sa *sa, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* A line of a list of attributes. */
static void say(const struct isk_sa *sa, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    isk_debug(sa->k, ISAKMP_DBG_ISAKMP, "ISAKMP:      %s", text);
}

void isk_debug_new_peer(const struct isk_sa *sa)
{
    struct isakmp *k = sa->k;
    const struct ike_path *p = &sa->s.path;
    uint32_t peer = 0x28000000u + sa->serial * 0x24u;
    char remote[ADDR_STRLEN];

    addr_print(&p->remote, remote, sizeof remote);
    isk_debug(k, ISAKMP_DBG_ISAKMP, "ISAKMP: Created a peer struct for %s, peer port %u", remote,
              p->rport);
    isk_debug(k, ISAKMP_DBG_ISAKMP, "ISAKMP: New peer created peer = 0x%X peer_handle = 0x%X", peer,
              0x80000000u + sa->serial);
    isk_debug(k, ISAKMP_DBG_ISAKMP, "ISAKMP: Locking peer struct 0x%X, refcount 1 for %s", peer,
              sa->s.initiator ? "isakmp_initiator" : "crypto_isakmp_process_block");
    isk_debug(k, ISAKMP_DBG_ISAKMP, "ISAKMP: local port %u, remote port %u", p->lport, p->rport);
    isk_debug_sa(sa, "insert sa successfully sa = %X", isk_debug_handle(sa));
}

void isk_debug_id(const struct isk_sa *sa, const struct isk_id *id, uint8_t next)
{
    char value[128];
    struct addr_range r;
    bool address = id->type == ISID_IPV4 || id->type == ISID_IPV6;

    if (!isk_debugging(sa->k, ISAKMP_DBG_ISAKMP))
        return;
    if (address && isk_id_range(id, &r)) {
        addr_print(&r.lo, value, sizeof value);
    } else {
        size_t n = id->len < sizeof value - 1 ? id->len : sizeof value - 1;
        for (size_t i = 0; i < n; i++)
            value[i] = id->data[i] >= 0x20 && id->data[i] < 0x7f ? (char)id->data[i] : '.';
        value[n] = '\0';
    }
    isk_debug_old(
        sa,
        "ID payload\n        next-payload : %u\n        type         : %u\n        %s: %s\n"
        "        protocol     : %u\n        port         : %u\n        length       : %zu",
        next, id->type, address ? "address      " : "FQDN name    ", value, id->proto, id->port,
        id->len + 8);
}

/* --- phase 1 -------------------------------------------------------------------------------------
 */

static const char *cipher_text(uint16_t encr)
{
    switch (encr) {
    case ENCR_DES:
        return "DES-CBC";
    case ENCR_3DES:
        return "3DES-CBC";
    case ENCR_AES_CBC:
        return "AES-CBC";
    default:
        return "... What?";
    }
}

static const char *hash_text(uint16_t prf)
{
    const struct transform *t = transform_find(T_PRF, prf, 0);
    return !t ? "... What?" : prf == PRF_SHA1 ? "SHA" : t->ike;
}

/* "(basic) of 3600", or the bytes of one that has its own length. */
static void life_text(const struct isk_attr *a, char *buf, size_t cap)
{
    size_t n;

    if (a->basic) {
        snprintf(buf, cap, "(basic) of %" PRIu64, a->value);
        return;
    }
    n = (size_t)snprintf(buf, cap, "(VPI) of ");
    for (unsigned i = 0; i < a->len && i < 8 && n + 8 < cap; i++)
        n += (size_t)snprintf(buf + n, cap - n, " 0x%X", a->p[i]);
}

static void attr1(const struct isk_sa *sa, const struct isk_attr *a)
{
    char life[64];

    switch (a->type) {
    case ISA_ENCR:
        say(sa, "encryption %s", cipher_text(isk_cipher_of_wire(a->value)));
        break;
    case ISA_KEY_LENGTH:
        say(sa, "keylength of %" PRIu64, a->value);
        break;
    case ISA_HASH:
        say(sa, "hash %s", hash_text(isk_hash_of_wire(a->value)));
        break;
    case ISA_GROUP:
        say(sa, "default group %" PRIu64, a->value);
        break;
    case ISA_AUTH:
        if (a->value == ISK_AUTH_PSK)
            say(sa, "auth pre-share");
        else if (a->value == 3)
            say(sa, "auth RSA sig");
        else
            say(sa, "auth %" PRIu64, a->value);
        break;
    case ISA_LIFE_TYPE:
        say(sa, "life type in %s", a->value == ISL_SECONDS ? "seconds" : "kilobytes");
        break;
    case ISA_LIFE:
        life_text(a, life, sizeof life);
        say(sa, "life duration %s", life);
        break;
    default:
        break;
    }
}

void isk_debug_xform1(const struct isk_sa *sa, const struct isk_xform *x, uint8_t num,
                      uint32_t priority)
{
    if (!isk_debugging(sa->k, ISAKMP_DBG_ISAKMP))
        return;
    isk_debug_sa(sa, "Checking ISAKMP transform %u against priority %" PRIu32 " policy", num,
                 priority);
    for (unsigned i = 0; i < x->n_attr; i++)
        attr1(sa, &x->attr[i]);
}

void isk_debug_verdict1(const struct isk_sa *sa, enum isk_mismatch m, unsigned next)
{
    static const char *const text[] = {
        [ISK_OTHER_CIPHER] = "Encryption algorithm offered does not match policy!",
        [ISK_OTHER_KEY_LENGTH] = "Proposed key length does not match policy",
        [ISK_OTHER_HASH] = "Hash algorithm offered does not match policy!",
        [ISK_OTHER_AUTH] = "Authentication method offered does not match policy!",
        [ISK_OTHER_GROUP] = "Diffie-Hellman group offered does not match policy!",
    };
    if (m != ISK_MATCHES)
        isk_debug_sa(sa, "%s", text[m]);
    isk_debug_sa(sa, "atts are %sacceptable. Next payload is %u", m == ISK_MATCHES ? "" : "not ",
                 next);
}

void isk_debug_lifetime(const struct isk_sa *sa)
{
    isk_debug_sa(sa, "Acceptable atts:actual life: 0");
    isk_debug_sa(sa, "Acceptable atts:life: 0");
    isk_debug_sa(sa, "Fill atts in sa vpi_length:4");
    isk_debug_sa(sa, "Fill atts in sa life_in_seconds:%" PRIu32, sa->s.lifetime);
    isk_debug_sa(sa, "Returning Actual lifetime: %" PRIu32, sa->s.lifetime);
    isk_debug_sa(sa, ":Started lifetime timer: %" PRIu32 ".\n", sa->s.lifetime);
}

void isk_say_authenticated(const struct isk_sa *sa)
{
    char remote[ADDR_STRLEN];

    isk_debug_sa(sa, "SA authentication status:\n        authenticated");
    isk_debug_sa(sa, "SA has been authenticated with %s",
                 addr_print(&sa->s.path.remote, remote, sizeof remote));
}

void isk_debug_inserted(const struct isk_sa *sa)
{
    char local[ADDR_STRLEN], remote[ADDR_STRLEN];

    isk_debug(sa->k, ISAKMP_DBG_ISAKMP,
              "ISAKMP: Trying to insert a peer %s/%s/%u/,  and inserted successfully %X.",
              addr_print(&sa->s.path.local, local, sizeof local),
              addr_print(&sa->s.path.remote, remote, sizeof remote), sa->s.path.rport,
              0x28000000u + sa->serial * 0x24u);
}

void isk_debug_complete(struct isk_sa *sa)
{
    if (sa->s.dpd_seconds && sa->s.peer_dpd)
        isk_debug_sa(sa, "IKE_DPD is enabled, initializing timers");
    isk_debug_input(sa, "IKE_MESG_INTERNAL, IKE_PHASE1_COMPLETE");
    isk_move(sa, ISK_P1_COMPLETE);
}

/* --- phase 2 -------------------------------------------------------------------------------------
 */

static const char *esp_text(uint16_t encr)
{
    switch (encr) {
    case ENCR_DES:
        return "ESP_DES";
    case ENCR_3DES:
        return "ESP_3DES";
    case ENCR_NULL:
        return "ESP_NULL";
    case ENCR_AES_CBC:
        return "ESP_AES";
    case ENCR_AES_GCM16:
        return "ESP_GCM";
    case ENCR_AES_GMAC:
        return "ESP_GMAC";
    default:
        return "ESP_UNKNOWN";
    }
}

static const char *auth_text(uint64_t wire)
{
    switch (isk_integ_of_wire(wire)) {
    case INTEG_MD5_96:
        return "HMAC-MD5";
    case INTEG_SHA1_96:
        return "HMAC-SHA";
    case INTEG_SHA256_128:
        return "HMAC-SHA256";
    case INTEG_SHA384_192:
        return "HMAC-SHA384";
    case INTEG_SHA512_256:
        return "HMAC-SHA512";
    default:
        return "unknown";
    }
}

static const char *encaps_text(uint64_t wire)
{
    switch (wire) {
    case 1:
        return "Tunnel";
    case 2:
        return "Transport";
    case 1 + ISK_MODE_UDP:
    case 1 + ISK_MODE_UDP_DRAFT:
        return "Tunnel-UDP";
    case 2 + ISK_MODE_UDP:
    case 2 + ISK_MODE_UDP_DRAFT:
        return "Transport-UDP";
    default:
        return "unknown";
    }
}

static void attr2(const struct isk_sa *sa, const struct isk_attr *a)
{
    char life[64];

    switch (a->type) {
    case ISB_MODE:
        say(sa, "encaps is %" PRIu64 " (%s)", a->value, encaps_text(a->value));
        break;
    case ISB_LIFE_TYPE:
        say(sa, "SA life type in %s", a->value == ISL_SECONDS ? "seconds" : "kilobytes");
        break;
    case ISB_LIFE:
        life_text(a, life, sizeof life);
        say(sa, "SA life duration %s", life);
        break;
    case ISB_AUTH:
        say(sa, "authenticator is %s", auth_text(a->value));
        break;
    case ISB_KEY_LENGTH:
        say(sa, "key length is %" PRIu64, a->value);
        break;
    case ISB_GROUP:
        say(sa, "group is %" PRIu64, a->value);
        break;
    default:
        break;
    }
}

static void xform2(const struct isk_sa *sa, const struct isk_prop *p, const struct isk_xform *x)
{
    isk_debug(sa->k, ISAKMP_DBG_ISAKMP, "ISAKMP: transform %u, %s", x->num,
              p->proto == ISPROTO_AH ? "AH" : esp_text(isk_esp_of_wire(x->id)));
    isk_debug(sa->k, ISAKMP_DBG_ISAKMP, "ISAKMP:   attributes in transform:");
    for (unsigned i = 0; i < x->n_attr; i++)
        attr2(sa, &x->attr[i]);
}

void isk_debug_offer2(const struct isk_sa *sa, const struct isk_offer *o)
{
    if (!isk_debugging(sa->k, ISAKMP_DBG_ISAKMP))
        return;
    for (unsigned i = 0; i < o->n; i++) {
        isk_debug_sa(sa, "Checking IPSec proposal %u", o->prop[i].num);
        for (unsigned t = 0; t < o->prop[i].n; t++)
            xform2(sa, &o->prop[i], &o->x[o->prop[i].first + t]);
    }
}

/* "192.168.20.25/255.255.255.255/0/0 (type=1)" */
static void proxy_text(const struct selector *s, bool local, char *buf, size_t cap)
{
    const struct addr_range *r = local ? &s->local : &s->remote;
    const uint16_t *port = local ? s->lport : s->rport;
    char lo[ADDR_STRLEN], mask[ADDR_STRLEN];
    struct addr m = r->hi;
    struct prefix p;
    bool one = addr_eq(&r->lo, &r->hi);

    if (range_to_prefix(r, &p))
        m = addr_len_to_mask(p.addr.family, p.len);
    snprintf(buf, cap, "%s/%s/%u/%u (type=%u)", addr_print(&r->lo, lo, sizeof lo),
             addr_print(&m, mask, sizeof mask), s->proto, port[0] == port[1] ? port[0] : 0u,
             one ? 1u : 4u);
}

static void proxy_match(struct isakmp *k, const struct selector *offered)
{
    char src[ADDR_STRLEN], dst[ADDR_STRLEN];

    isk_debug(k, ISAKMP_DBG_IPSEC,
              "Crypto mapdb : proxy_match\n        src addr     : %s\n        dst addr     : %s\n"
              "        protocol     : %u\n        src port     : %u\n        dst port     : %u",
              addr_print(&offered->local.lo, src, sizeof src),
              addr_print(&offered->remote.lo, dst, sizeof dst), offered->proto, offered->lport[0],
              offered->rport[0]);
}

void isk_debug_proposal(const struct isk_sa *sa, const struct isk_node *n,
                        const struct selector *offered)
{
    struct isakmp *k = sa->k;
    char local[ADDR_STRLEN], remote[ADDR_STRLEN], lp[128], rp[128];

    if (!isk_debugging(k, ISAKMP_DBG_IPSEC))
        return;
    proxy_text(offered, true, lp, sizeof lp);
    proxy_text(offered, false, rp, sizeof rp);
    isk_debug(k, ISAKMP_DBG_IPSEC, "IPSEC(validate_proposal_request): proposal part #1");
    isk_debug(k, ISAKMP_DBG_IPSEC,
              "IPSEC(validate_proposal_request): proposal part #1,\n  (key eng. msg.) INBOUND "
              "local= %s:0, remote= %s:0,\n    local_proxy= %s,\n    remote_proxy= %s,\n"
              "    protocol= %s, transform= NONE  (Tunnel),\n    lifedur= 0s and 0kb,\n"
              "    spi= 0x0(0), conn_id= 0, keysize= %u, flags= 0x0",
              addr_print(&sa->s.path.local, local, sizeof local),
              addr_print(&sa->s.path.remote, remote, sizeof remote), lp, rp,
              n->child.proto == SADB_AH ? "AH" : "ESP", n->child.encr_bits);
    proxy_match(k, offered);
}

static void one_way(const struct isk_sa *sa, const struct ike_child_state *c, bool in)
{
    struct isakmp *k = sa->k;
    const struct ike_path *p = &sa->s.path;
    const struct selector *s = &c->ts[0];
    char from[ADDR_STRLEN], to[ADDR_STRLEN], a[ADDR_STRLEN], b[ADDR_STRLEN];

    isk_debug(k, ISAKMP_DBG_ISAKMP,
              "        %s SA from %s to %s (f/i) %s\n        (proxy %s to %s)",
              in ? "inbound" : "outbound",
              addr_print(in ? &p->remote : &p->local, from, sizeof from),
              addr_print(in ? &p->local : &p->remote, to, sizeof to), in ? " 0/ 0" : "0/0",
              addr_print(in ? &s->remote.lo : &s->local.lo, a, sizeof a),
              addr_print(in ? &s->local.lo : &s->remote.lo, b, sizeof b));
    isk_debug(k, ISAKMP_DBG_ISAKMP, "        has spi %s0x%X and conn_id 0", in ? "" : " ",
              in ? c->spi_in : c->spi_out);
    isk_debug(k, ISAKMP_DBG_ISAKMP, "        lifetime of %" PRIu32 " seconds", c->life_seconds);
    isk_debug(k, ISAKMP_DBG_ISAKMP, "        lifetime of %" PRIu64 " kilobytes", c->life_kbytes);
}

void isk_debug_creating(const struct isk_sa *sa, const struct isk_node *n)
{
    if (!isk_debugging(sa->k, ISAKMP_DBG_ISAKMP))
        return;
    isk_debug_sa(sa, " Creating IPSec SAs");
    one_way(sa, &n->child, true);
    one_way(sa, &n->child, false);
}

/* "esp-aes 256 esp-sha256-hmac " as IOS writes a transform. */
static void transform_text(const struct ike_child_state *c, char *buf, size_t cap)
{
    static const struct {
        uint16_t id;
        const char *name;
    } hash[] = {{INTEG_MD5_96, "md5"},
                {INTEG_SHA1_96, "sha"},
                {INTEG_SHA256_128, "sha256"},
                {INTEG_SHA384_192, "sha384"},
                {INTEG_SHA512_256, "sha512"}};
    uint16_t ah = c->proto == SADB_AH ? c->integ : c->ah_integ;
    struct str s = {0};

    for (size_t i = 0; i < sizeof hash / sizeof *hash; i++)
        if (hash[i].id == ah)
            str_printf(&s, "ah-%s-hmac ", hash[i].name);
    if (c->proto == SADB_ESP) {
        const char *name = c->encr == ENCR_DES         ? "esp-des"
                           : c->encr == ENCR_3DES      ? "esp-3des"
                           : c->encr == ENCR_NULL      ? "esp-null"
                           : c->encr == ENCR_AES_CBC   ? "esp-aes"
                           : c->encr == ENCR_AES_GCM16 ? "esp-gcm"
                                                       : "esp-gmac";
        str_add(&s, name);
        if (c->encr_bits > 128)
            str_printf(&s, " %u", c->encr_bits);
        str_addc(&s, ' ');
        for (size_t i = 0; i < sizeof hash / sizeof *hash; i++)
            if (hash[i].id == c->integ)
                str_printf(&s, "esp-%s-hmac ", hash[i].name);
    }
    snprintf(buf, cap, "%s", str_text(&s));
    str_free(&s);
}

void isk_debug_created(const struct isk_sa *sa, const struct ike_child_state *c)
{
    char from[ADDR_STRLEN], to[ADDR_STRLEN], transform[96];

    if (!isk_debugging(sa->k, ISAKMP_DBG_IPSEC))
        return;
    isk_debug(sa->k, ISAKMP_DBG_IPSEC,
              "IPSEC(key_engine): got a queue event with 1 KMI message(s)");
    proxy_match(sa->k, &c->ts[0]);
    isk_debug(sa->k, ISAKMP_DBG_IPSEC,
              "IPSEC(crypto_ipsec_sa_find_ident_head): reconnecting with the same proxies and peer "
              "%s",
              addr_print(&sa->s.path.remote, to, sizeof to));
    if (sa->k->host.debug_routes)
        sa->k->host.debug_routes(sa->k->h, &sa->s, c);
    isk_debug(sa->k, ISAKMP_DBG_IPSEC,
              "IPSEC(policy_db_add_ident): src %s, dest %s, dest_port %u\n",
              addr_print(&c->ts[0].local.lo, from, sizeof from),
              addr_print(&c->ts[0].remote.lo, to, sizeof to),
              c->ts[0].rport[0] == c->ts[0].rport[1] ? c->ts[0].rport[0] : 0u);
    transform_text(c, transform, sizeof transform);
    for (int in = 1; in >= 0; in--) {
        uint32_t spi = in ? c->spi_in : c->spi_out;
        isk_debug(sa->k, ISAKMP_DBG_IPSEC,
                  "IPSEC(create_sa): sa created,\n  (sa) sa_dest= %s, sa_proto= %u,\n"
                  "    sa_spi= 0x%X(%" PRIu32 "),\n    sa_trans= %s, sa_conn_id= %" PRIu32 "\n"
                  "    sa_lifetime(k/sec)= (%" PRIu64 "/%" PRIu32 ")",
                  addr_print(in ? &sa->s.path.local : &sa->s.path.remote, to, sizeof to), c->proto,
                  spi, spi, transform, 2 * c->conn_id - (uint32_t)in, c->life_kbytes,
                  c->life_seconds);
    }
}

void isk_debug_enabled(const struct isk_sa *sa, const struct ike_child_state *c)
{
    struct isakmp *k = sa->k;
    char peer[ADDR_STRLEN];

    if (!isk_debugging(k, ISAKMP_DBG_IPSEC))
        return;
    addr_print(&sa->s.path.remote, peer, sizeof peer);
    isk_debug(k, ISAKMP_DBG_IPSEC, "IPSEC(key_engine): got a queue event with 1 KMI message(s)");
    isk_debug(k, ISAKMP_DBG_IPSEC,
              "IPSEC(key_engine_enable_outbound): rec'd enable notify from ISAKMP");
    isk_debug(k, ISAKMP_DBG_IPSEC,
              "IPSEC(key_engine_enable_outbound): enable SA with spi %" PRIu32 "/%u", c->spi_out,
              c->proto);
    for (int i = 0; i < 2; i++)
        isk_debug(k, ISAKMP_DBG_IPSEC,
                  "IPSEC(update_current_outbound_sa): %s peer %s current outbound sa to SPI %X",
                  i ? "updated" : "get enable SA", peer, c->spi_out);
}
