/*
 * Export of keys in the form of Wireshark's ikev2_decryption_table (names as in release 4.0), and
 * an SA as text.
 */
#include "control/ike/export.h"
#include "lib/str.h"
#include "lib/transform.h"
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static const struct {
    uint16_t id, bits;
    const char *name;
} encr_names[] = {
    {ENCR_3DES, 0, "3DES [RFC2451]"},
    {ENCR_NULL, 0, "NULL [RFC2410]"},
    {ENCR_AES_CBC, 128, "AES-CBC-128 [RFC3602]"},
    {ENCR_AES_CBC, 192, "AES-CBC-192 [RFC3602]"},
    {ENCR_AES_CBC, 256, "AES-CBC-256 [RFC3602]"},
    {ENCR_AES_GCM16, 128, "AES-GCM-128 with 16 octet ICV [RFC5282]"},
    {ENCR_AES_GCM16, 192, "AES-GCM-192 with 16 octet ICV [RFC5282]"},
    {ENCR_AES_GCM16, 256, "AES-GCM-256 with 16 octet ICV [RFC5282]"},
};

static const struct {
    uint16_t id;
    const char *name;
} integ_names[] = {
    {INTEG_NONE, "NONE [RFC4306]"},
    {INTEG_MD5_96, "HMAC_MD5_96 [RFC2403]"},
    {INTEG_SHA1_96, "HMAC_SHA1_96 [RFC2404]"},
    {INTEG_SHA256_128, "HMAC_SHA2_256_128 [RFC4868]"},
    {INTEG_SHA384_192, "HMAC_SHA2_384_192 [RFC4868]"},
    {INTEG_SHA512_256, "HMAC_SHA2_512_256 [RFC4868]"},
};

struct out {
    char *p;
    size_t len, cap;
};

static void put(struct out *o, const char *text)
{
    while (*text && o->len + 1 < o->cap)
        o->p[o->len++] = *text++;
    if (*text)
        o->cap = 0; /* cut: reported at the end */
}

static void put_hex(struct out *o, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char two[3];
        hex_write(two, p + i, 1);
        put(o, two);
    }
}

static void put_spi(struct out *o, uint64_t spi)
{
    char text[17];
    snprintf(text, sizeof text, "%016" PRIx64, spi);
    put(o, text);
}

static const char *encr_name(const struct ike_suite *s)
{
    for (size_t i = 0; i < sizeof encr_names / sizeof *encr_names; i++)
        if (encr_names[i].id == s->encr && encr_names[i].bits == s->encr_bits)
            return encr_names[i].name;
    return NULL;
}

static const char *integ_name(const struct ike_suite *s)
{
    for (size_t i = 0; i < sizeof integ_names / sizeof *integ_names; i++)
        if (integ_names[i].id == s->integ)
            return integ_names[i].name;
    return NULL;
}

int ike_export_keys(const struct ike_sa_state *s, char *buf, size_t cap)
{
    const struct transform *e = transform_find(T_ENCR, s->suite.encr, s->suite.encr_bits);
    const struct transform *a = transform_find(T_INTEG, s->suite.integ, 0);
    const char *en = encr_name(&s->suite), *an = integ_name(&s->suite);
    struct out o = {buf, 0, cap};

    if (!e || !a || !en || !an)
        return -ENOTSUP;
    size_t el = (size_t)e->key_len + e->salt_len, al = e->icv_len ? 0 : a->key_len;
    put_spi(&o, s->spi_i);
    put(&o, ",");
    put_spi(&o, s->spi_r);
    put(&o, ",");
    put_hex(&o, s->keys.sk_ei, el);
    put(&o, ",");
    put_hex(&o, s->keys.sk_er, el);
    put(&o, ",\"");
    put(&o, en);
    put(&o, "\",");
    put_hex(&o, s->keys.sk_ai, al);
    put(&o, ",");
    put_hex(&o, s->keys.sk_ar, al);
    put(&o, ",\"");
    put(&o, an);
    put(&o, "\"\n");
    if (o.cap == 0 || cap == 0)
        return -EMSGSIZE;
    buf[o.len] = '\0';
    return (int)o.len;
}

/* --- as text ------------------------------------------------------------------------------ */

static void line(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void line(struct out *o, const char *fmt, ...)
{
    va_list ap;
    bool room = o->len < o->cap;

    va_start(ap, fmt);
    int n = vsnprintf(room ? o->p + o->len : NULL, room ? o->cap - o->len : 0, fmt, ap);
    va_end(ap);
    if (n > 0)
        o->len += (size_t)n;
}

static const char *name_of(uint8_t type, uint16_t id, uint16_t bits)
{
    const struct transform *t = transform_find(type, id, bits);
    return t ? t->ike : "-";
}

static void range(struct out *o, const char *what, const struct addr_range *r,
                  const uint16_t port[2])
{
    char lo[ADDR_STRLEN], hi[ADDR_STRLEN];
    line(o, " %s %s/%u - %s/%u", what, addr_print(&r->lo, lo, sizeof lo), port[0],
         addr_print(&r->hi, hi, sizeof hi), port[1]);
}

int ike_describe(const struct ike_sa_state *s, char *buf, size_t cap)
{
    struct out o = {buf, 0, cap};
    char local[ADDR_STRLEN], remote[ADDR_STRLEN];

    if (cap > 0)
        buf[0] = '\0';
    line(&o, "tunnel %" PRIu32 " session %" PRIu32 " %s %s %s:%u - %s:%u%s%s\n", s->tunnel_id,
         s->session_id, ike_state_name(s->state), s->initiator ? "INITIATOR" : "RESPONDER",
         addr_print(&s->path.local, local, sizeof local), s->path.lport,
         addr_print(&s->path.remote, remote, sizeof remote), s->path.rport,
         s->nat_local ? " NAT-local" : "", s->nat_remote ? " NAT-remote" : "");
    line(&o, "  SPIs %016" PRIx64 " %016" PRIx64 " next message IDs %" PRIu32 "/%" PRIu32 "\n",
         s->spi_i, s->spi_r, s->next_send_mid, s->next_recv_mid);
    line(&o, "  Encr: %s, keysize: %u, Hash: %s, PRF: %s, DH Grp:%u, lifetime %" PRIu32 " sec\n",
         name_of(T_ENCR, s->suite.encr, s->suite.encr_bits), s->suite.encr_bits,
         name_of(T_INTEG, s->suite.integ, 0), name_of(T_PRF, s->suite.prf, 0), s->suite.group,
         s->lifetime);
    for (uint32_t i = 0; i < s->n_children; i++) {
        const struct ike_child_state *c = &s->child[i];
        line(&o,
             "  child policy %" PRIu32 " ESP spi in/out: 0x%" PRIx32 "/0x%" PRIx32 " %s %s%s%s\n",
             c->policy, c->spi_in, c->spi_out, name_of(T_ENCR, c->encr, c->encr_bits),
             name_of(T_INTEG, c->integ, 0), c->udp ? " UDP" : "", c->esn ? " ESN" : "");
        for (uint32_t k = 0; k < c->n_ts; k++) {
            line(&o, "   ");
            range(&o, "local", &c->ts[k].local, c->ts[k].lport);
            range(&o, "remote", &c->ts[k].remote, c->ts[k].rport);
            line(&o, " protocol %u\n", c->ts[k].proto);
        }
    }
    return (int)o.len;
}
