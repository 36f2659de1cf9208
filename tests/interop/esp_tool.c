/*
 * Our ESP and AH on standard input, for tests against another implementation.
 *
 *   sa out|in|out6|in6 esp|ah tunnel|transport ENCR KEY INTEG IKEY SPI ESN AH AHKEY AHSPI
 *       6: the outer addresses are IPv6's; numbers are IANA's, keys hex ("-" = none), ESN: high
 *       half of the first number, or - for none; AH 0: ESP alone
 *   seal HEX
 *       an inner IP packet → the whole outer packet in hex
 *   open HEX
 *       an outer packet → the inner one, or "drop CAUSE"
 *
 * argv[1]: mb or openssl. Every line gets one line as its answer.
 */
#include "dataplane/ipsec.h"
#include "dataplane/ip.h"
#include "dataplane/wire.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tool {
    struct sad sad;
    struct ipsec_batch batch;
    struct pktvec *v;
    struct sa *sa;
};

/* Returns the length, or -1 when it is no hex or too long. */
static long unhex(const char *text, uint8_t *out, size_t cap)
{
    size_t n = 0;
    unsigned v;
    if (strcmp(text, "-") == 0)
        return 0;
    for (; text[0]; text += 2) {
        if (n == cap || sscanf(text, "%2x", &v) != 1 || !text[1])
            return -1;
        out[n++] = (uint8_t)v;
    }
    return (long)n;
}

static void say_hex(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("%02x", p[i]);
    printf("\n");
}

static void install(struct tool *t, const char *args)
{
    struct sadb_sa m;
    char dir[8], proto[8], mode[16], key[256], ikey[256], esn[16], ahkey[256];
    unsigned encr, integ, spi, ah, ah_spi;
    memset(&m, 0, sizeof m);
    if (sscanf(args, "%7s %7s %15s %u %255s %u %255s %u %15s %u %255s %u", dir, proto, mode, &encr,
               key, &integ, ikey, &spi, esn, &ah, ahkey, &ah_spi) != 12) {
        printf("error usage\n");
        return;
    }
    long n = unhex(key, m.encr.key, sizeof m.encr.key);
    long k = unhex(ikey, m.integ.key, sizeof m.integ.key);
    long a = unhex(ahkey, m.ah.key, sizeof m.ah.key);
    if (n < 0 || k < 0 || a < 0) {
        printf("error key\n");
        return;
    }
    m.sa = 1;
    m.spi = spi;
    m.proto = strcmp(proto, "ah") == 0 ? SADB_AH : SADB_ESP;
    m.dir = dir[0] == 'o' ? SADB_OUT : SADB_IN;
    bool v6 = strchr(dir, '6') != NULL;
    m.mode = strcmp(mode, "transport") == 0 ? SADB_TRANSPORT : SADB_TUNNEL;
    m.encr.id = (uint16_t)encr;
    m.encr.key_len = (uint16_t)n;
    m.integ.id = (uint16_t)integ;
    m.integ.key_len = (uint16_t)k;
    m.ah.id = (uint16_t)ah;
    m.ah.key_len = (uint16_t)a;
    m.ah_spi = ah_spi;
    addr_parse(v6 ? "2001:db8::1" : "192.0.2.1", m.dir == SADB_OUT ? &m.local : &m.remote);
    addr_parse(v6 ? "2001:db8::2" : "192.0.2.2", m.dir == SADB_OUT ? &m.remote : &m.local);
    m.replay_window = 64;
    if (strcmp(esn, "-") != 0) {
        m.flags = SADB_F_ESN;
        m.seq_first = (strtoull(esn, NULL, 10) << 32) + 1;
    }
    sad_flush(&t->sad, 0);
    t->sa = NULL;
    int err = sad_add(&t->sad, t->batch.crypto, &m, NULL, &t->sa);
    if (err)
        printf("error %d\n", err);
    else
        printf("ok %s\n", crypto_key_backend(t->sa->key ? t->sa->key : t->sa->ah));
}

static struct pkt *load(struct tool *t, const char *text)
{
    struct pkt *p = &t->v->p[0];
    pkt_reset(p);
    long n = unhex(text, p->data, PKT_DATA);
    p->len = n > 0 ? (uint32_t)n : 0;
    p->sa = t->sa;
    return p;
}

/* On the box the kernel writes this header, and takes it off. */
static void outer6(const struct tool *t, struct pkt *p)
{
    ip6_build(p->data - IP6_HLEN, &t->sa->local, &t->sa->remote, p->proto, (uint16_t)p->len, p->tos,
              p->ttl ? p->ttl : 64);
    p->data -= IP6_HLEN;
    p->len += IP6_HLEN;
}

static int strip(struct pkt *p)
{
    if (p->len < IP6_HLEN || p->data[0] >> 4 != 6)
        return wire_strip_ip4(p);
    uint8_t *h = p->data;
    unsigned n = IP6_HLEN;
    for (p->proto = h[6]; p->proto != NH_AH && p->proto != NH_ESP; n += (h[n + 1] + 1u) * 8) {
        if (n + 8 > p->len || n + (h[n + 1] + 1u) * 8 > IP_HEAD_MOST)
            return -1;
        p->proto = h[n];
    }
    p->tos = (uint8_t)(h[0] << 4 | h[1] >> 4);
    p->ttl = h[7];
    p->local = p->sa->local;
    p->remote = p->sa->remote;
    p->head = h;
    p->hlen = (uint8_t)n;
    p->data += n;
    p->len -= n;
    return 0;
}

static void seal(struct tool *t, struct pkt *p)
{
    struct ip_info in;
    if (ip_parse(p->data, p->len, false, &in)) {
        printf("error packet\n");
        return;
    }
    p->tos = in.tos;
    p->df = in.df && p->data[0] >> 4 == 4;
    ipsec_seal(&t->batch, &p, 1);
    if (p->cause != PKT_OK) {
        printf("drop %s\n", dpstats_cause_name((enum dp_cause)p->cause));
        return;
    }
    if (!p->head && t->sa->local.family == AF_INET6) {
        outer6(t, p);
    } else if (!p->head) {
        p->data -= IP4_HLEN;
        p->len += IP4_HLEN;
        ip4_build(p->data, &t->sa->local, &t->sa->remote, NH_ESP, (uint16_t)p->len, p->tos, p->df,
                  1);
    }
    say_hex(p->data, p->len);
}

static void unseal(struct tool *t, struct pkt *p)
{
    if (strip(p) || p->proto != t->sa->proto) {
        printf("drop neither ESP nor AH\n");
        return;
    }
    ipsec_open(&t->batch, &p, 1);
    if (p->cause != PKT_OK)
        printf("drop %s\n", dpstats_cause_name((enum dp_cause)p->cause));
    else
        say_hex(p->data, p->len);
}

static void line(struct tool *t, char *text)
{
    text[strcspn(text, "\n")] = 0;
    if (strncmp(text, "sa ", 3) == 0)
        install(t, text + 3);
    else if (t->sa && strncmp(text, "seal ", 5) == 0)
        seal(t, load(t, text + 5));
    else if (t->sa && strncmp(text, "open ", 5) == 0)
        unseal(t, load(t, text + 5));
    else
        printf("error usage\n");
    fflush(stdout);
}

int main(int argc, char **argv)
{
    static struct tool t;
    static char text[2 * PKT_DATA + 64];
    bool mb = argc > 1 && strcmp(argv[1], "mb") == 0;
    t.batch.crypto = crypto_new(mb ? CRYPTO_MB : CRYPTO_OSSL);
    t.v = pktvec_new();
    if (!t.batch.crypto || !t.v) {
        fprintf(stderr, "no such backend here\n");
        return 77;
    }
    while (fgets(text, sizeof text, stdin))
        line(&t, text);
    sad_flush(&t.sad, 0);
    crypto_free(t.batch.crypto);
    pktvec_free(t.v);
    return 0;
}
