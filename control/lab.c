/*
 * Lines of tshark's tables. See lab.h.
 *
 * esp_sa:                "IPv4","SRC","DST","0xSPI","ENCR","0xKEY","AUTH","0xKEY"
 * (ikev2_decryption_table comes from control/ike/export.h, ikev1_decryption_table from
 * control/isakmp/isakmp.h.) The names of algorithms are those of
 * the decoder (4.0).
 */
#include "control/lab.h"
#include "control/ike/export.h"
#include "control/isakmp/isakmp.h"
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
    uint16_t id;
    const char *esp;
};

static const struct name encr_names[] = {
    {ENCR_DES, "DES-CBC [RFC2405]"},
    {ENCR_3DES, "TripleDES-CBC [RFC2451]"},
    {ENCR_NULL, "NULL"},
    {ENCR_AES_CBC, "AES-CBC [RFC3602]"},
    {ENCR_AES_GCM16, "AES-GCM with 16 octet ICV [RFC4106]"},
};
static const struct name integ_names[] = {
    {INTEG_NONE, "NULL"},
    {INTEG_MD5_96, "HMAC-MD5-96 [RFC2403]"},
    {INTEG_SHA1_96, "HMAC-SHA-1-96 [RFC2404]"},
    {INTEG_SHA256_128, "HMAC-SHA-256-128 [RFC4868]"},
    {INTEG_SHA384_192, "HMAC-SHA-384-192 [RFC4868]"},
    {INTEG_SHA512_256, "HMAC-SHA-512-256 [RFC4868]"},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char *name_of(const struct name *v, size_t n, uint16_t id)
{
    for (size_t i = 0; i < n; i++)
        if (v[i].id == id)
            return v[i].esp;
    return NULL;
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
    const char *e = name_of(encr_names, COUNT(encr_names), sa->encr.id);
    const char *a = name_of(integ_names, COUNT(integ_names), sa->integ.id);
    if (!e || !a)
        return;
    const struct addr *src = sa->dir == SADB_IN ? &sa->remote : &sa->local;
    const struct addr *dst = sa->dir == SADB_IN ? &sa->local : &sa->remote;
    char from[ADDR_STRLEN], to[ADDR_STRLEN];
    struct str s = {0};
    str_printf(&s, "esp \"%s\",\"%s\",\"%s\",\"0x%08" PRIx32 "\",\"%s\",\"",
               src->family == AF_INET ? "IPv4" : "IPv6", addr_print(src, from, sizeof(from)),
               addr_print(dst, to, sizeof(to)), sa->spi, e);
    if (sa->encr.key_len)
        str_add(&s, "0x");
    str_hex(&s, sa->encr.key, sa->encr.key_len);
    str_printf(&s, "\",\"%s\",\"", a);
    if (sa->integ.key_len)
        str_add(&s, "0x");
    str_hex(&s, sa->integ.key, sa->integ.key_len);
    str_add(&s, "\"");
    keep(l, &s);
}

void lab_ike(struct lab *l, const struct ike_sa_state *sa)
{
    char keys[LINE_MAX_LEN];
    struct str s = {0};
    bool v1 = sa->version == IKE_V1;
    int n =
        v1 ? isakmp_export_key(sa, keys, sizeof(keys)) : ike_export_keys(sa, keys, sizeof(keys));
    if (n > 0) {
        keys[strcspn(keys, "\n")] = '\0';
        str_printf(&s, "%s %s", v1 ? "ike1" : "ike", keys);
        keep(l, &s);
    }
    mem_wipe(keys, sizeof(keys));
}

void lab_each(const struct lab *l, void (*fn)(void *ctx, const char *line), void *ctx)
{
    size_t first = (l->next + LINES - l->n) % LINES;
    for (size_t i = 0; i < l->n; i++)
        fn(ctx, l->line[(first + i) % LINES]);
}
