/*
 * Lines of tshark's tables. See lab.h.
 *
 * esp_sa:                "IPv4","SRC","DST","0xSPI","ENCR","0xKEY","AUTH","0xKEY"
 * ikev2_decryption_table: SPIi,SPIr,SK_ei,SK_er,"ENCR",SK_ai,SK_ar,"INTEG"
 * The names of algorithms are those of the decoder (4.0).
 */
#include "control/lab.h"
#include "lib/mem.h"
#include "lib/str.h"
#include "lib/transform.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define LINES        256
#define LINE_MAX_LEN 1024

struct lab {
    char line[LINES][LINE_MAX_LEN]; /* a ring */
    size_t next, n;
};

struct name {
    uint16_t id, keybits;
    const char *esp, *ike;
};

static const struct name encr_names[] = {
    {ENCR_DES, 0, "DES-CBC [RFC2405]", NULL},
    {ENCR_3DES, 0, "TripleDES-CBC [RFC2451]", "3DES [RFC2451]"},
    {ENCR_NULL, 0, "NULL", "NULL [RFC2410]"},
    {ENCR_AES_CBC, 128, "AES-CBC [RFC3602]", "AES-CBC-128 [RFC3602]"},
    {ENCR_AES_CBC, 192, "AES-CBC [RFC3602]", "AES-CBC-192 [RFC3602]"},
    {ENCR_AES_CBC, 256, "AES-CBC [RFC3602]", "AES-CBC-256 [RFC3602]"},
    {ENCR_AES_GCM16, 128, "AES-GCM with 16 octet ICV [RFC4106]",
     "AES-GCM-128 with 16 octet ICV [RFC5282]"},
    {ENCR_AES_GCM16, 192, "AES-GCM with 16 octet ICV [RFC4106]",
     "AES-GCM-192 with 16 octet ICV [RFC5282]"},
    {ENCR_AES_GCM16, 256, "AES-GCM with 16 octet ICV [RFC4106]",
     "AES-GCM-256 with 16 octet ICV [RFC5282]"},
};
static const struct name integ_names[] = {
    {INTEG_NONE, 0, "NULL", "NONE [RFC4306]"},
    {INTEG_MD5_96, 0, "HMAC-MD5-96 [RFC2403]", "HMAC_MD5_96 [RFC2403]"},
    {INTEG_SHA1_96, 0, "HMAC-SHA-1-96 [RFC2404]", "HMAC_SHA1_96 [RFC2404]"},
    {INTEG_SHA256_128, 0, "HMAC-SHA-256-128 [RFC4868]", "HMAC_SHA2_256_128 [RFC4868]"},
    {INTEG_SHA384_192, 0, "HMAC-SHA-384-192 [RFC4868]", "HMAC_SHA2_384_192 [RFC4868]"},
    {INTEG_SHA512_256, 0, "HMAC-SHA-512-256 [RFC4868]", "HMAC_SHA2_512_256 [RFC4868]"},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct name *name_of(const struct name *v, size_t n, uint16_t id, unsigned keybits)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].id == id && (!v[i].keybits || v[i].keybits == keybits))
            return &v[i];
    return NULL;
}

static void add_hex(struct str *s, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        str_printf(s, "%02x", p[i]);
}

struct lab *lab_new(void)
{
    return (struct lab *)calloc(1, sizeof(struct lab));
}

void lab_free(struct lab *l)
{
    if (!l)
        return;
    mem_wipe(l, sizeof(*l));
    free(l);
}

static void keep(struct lab *l, struct str *s)
{
    if (!s->bad && s->len < LINE_MAX_LEN) {
        str_copy(l->line[l->next], LINE_MAX_LEN, str_text(s));
        l->next = (l->next + 1) % LINES;
        l->n += l->n < LINES;
    }
    str_wipe(s);
}

void lab_esp(struct lab *l, const struct sadb_sa *sa)
{
    const struct transform *t = NULL;
    unsigned bits = 0;
    /* the key tells its own length; salts belong to it, as the decoder wants */
    for (size_t i = 0; (t = transform_at(i)) != NULL; i++)
        if (t->type == T_ENCR && t->id == sa->encr.id &&
            (unsigned)t->key_len + t->salt_len == sa->encr.key_len)
            break;
    if (t)
        bits = t->keybits;
    const struct name *e = name_of(encr_names, COUNT(encr_names), sa->encr.id, bits);
    const struct name *a = name_of(integ_names, COUNT(integ_names), sa->integ.id, 0);
    if (!e || !a)
        return;
    const struct addr *src = sa->dir == SADB_IN ? &sa->remote : &sa->local;
    const struct addr *dst = sa->dir == SADB_IN ? &sa->local : &sa->remote;
    char from[ADDR_STRLEN], to[ADDR_STRLEN];
    struct str s = {0};
    str_printf(&s, "esp \"%s\",\"%s\",\"%s\",\"0x%08" PRIx32 "\",\"%s\",\"",
               src->family == AF_INET ? "IPv4" : "IPv6", addr_print(src, from, sizeof(from)),
               addr_print(dst, to, sizeof(to)), sa->spi, e->esp);
    if (sa->encr.key_len)
        str_add(&s, "0x");
    add_hex(&s, sa->encr.key, sa->encr.key_len);
    str_printf(&s, "\",\"%s\",\"", a->esp);
    if (sa->integ.key_len)
        str_add(&s, "0x");
    add_hex(&s, sa->integ.key, sa->integ.key_len);
    str_add(&s, "\"");
    keep(l, &s);
}

void lab_ike(struct lab *l, const struct ike_sa_state *sa)
{
    const struct ike_suite *u = &sa->suite;
    const struct transform *te = transform_find(T_ENCR, u->encr, u->encr_bits);
    const struct transform *ta = transform_find(T_INTEG, u->integ, 0);
    const struct name *e = name_of(encr_names, COUNT(encr_names), u->encr, u->encr_bits);
    const struct name *a = name_of(integ_names, COUNT(integ_names), u->integ, 0);
    if (!te || !e || !e->ike || !a)
        return;
    size_t ke = (size_t)te->key_len + te->salt_len, ka = u->integ && ta ? ta->key_len : 0;
    struct str s = {0};
    str_printf(&s, "ike %016" PRIx64 ",%016" PRIx64 ",", sa->spi_i, sa->spi_r);
    add_hex(&s, sa->keys.sk_ei, ke);
    str_addc(&s, ',');
    add_hex(&s, sa->keys.sk_er, ke);
    str_printf(&s, ",\"%s\",", e->ike);
    add_hex(&s, sa->keys.sk_ai, ka);
    str_addc(&s, ',');
    add_hex(&s, sa->keys.sk_ar, ka);
    str_printf(&s, ",\"%s\"", a->ike);
    keep(l, &s);
}

void lab_each(const struct lab *l, void (*fn)(void *ctx, const char *line), void *ctx)
{
    size_t first = (l->next + LINES - l->n) % LINES;
    for (size_t i = 0; i < l->n; i++)
        fn(ctx, l->line[(first + i) % LINES]);
}
