/*
 * Our ESP encoder and decoder on standard input, for tests against another implementation.
 *
 *   sa out|in|out6|in6 ENCR KEY INTEG IKEY SPI ESN   6: the outer addresses are IPv6's; numbers are
 * IANA's, keys hex ("-" = none), ESN: high half of the first number, or - for none seal HEX an
 * inner IP packet → the whole outer packet in hex open HEX                                an outer
 * packet → the inner one, or "drop CAUSE"
 *
 * argv[1]: mb or openssl. Every line gets one line as its answer.
 */
#include "dataplane/esp.h"
#include "dataplane/ip.h"
#include "dataplane/wire.h"
#include "lib/buf.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tool {
    struct sad sad;
    struct esp_batch batch;
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
    char dir[8], key[256], ikey[256], esn[16];
    unsigned encr, integ, spi;
    memset(&m, 0, sizeof m);
    if (sscanf(args, "%7s %u %255s %u %255s %u %15s", dir, &encr, key, &integ, ikey, &spi, esn) !=
        7) {
        printf("error usage\n");
        return;
    }
    long n = unhex(key, m.encr.key, sizeof m.encr.key);
    long k = unhex(ikey, m.integ.key, sizeof m.integ.key);
    if (n < 0 || k < 0) {
        printf("error key\n");
        return;
    }
    m.sa = 1;
    m.spi = spi;
    m.proto = SADB_ESP;
    m.dir = dir[0] == 'o' ? SADB_OUT : SADB_IN;
    bool v6 = strchr(dir, '6') != NULL;
    m.mode = SADB_TUNNEL;
    m.encr.id = (uint16_t)encr;
    m.encr.key_len = (uint16_t)n;
    m.integ.id = (uint16_t)integ;
    m.integ.key_len = (uint16_t)k;
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
        printf("ok %s\n", crypto_key_backend(t->sa->key));
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
    struct wbuf w = wbuf_make(p->data - IP6_HLEN, IP6_HLEN);
    wbuf_u32(&w, 6u << 28);
    wbuf_u16(&w, (uint16_t)p->len);
    wbuf_u8(&w, NH_ESP);
    wbuf_u8(&w, 64);
    wbuf_bytes(&w, t->sa->local.b, 16);
    wbuf_bytes(&w, t->sa->remote.b, 16);
    p->data -= IP6_HLEN;
    p->len += IP6_HLEN;
}

static int strip(struct pkt *p)
{
    if (p->len < IP6_HLEN || p->data[0] >> 4 != 6)
        return wire_strip_ip4(p);
    p->data += IP6_HLEN;
    p->len -= IP6_HLEN;
    return 0;
}

static void seal(struct tool *t, struct pkt *p)
{
    esp_seal(&t->batch, &p, 1);
    if (p->cause != PKT_OK) {
        printf("drop %s\n", dpstats_cause_name((enum dp_cause)p->cause));
        return;
    }
    if (t->sa->local.family == AF_INET6) {
        outer6(t, p);
    } else {
        p->data -= IP4_HLEN;
        p->len += IP4_HLEN;
        ip4_build(p->data, &t->sa->local, &t->sa->remote, NH_ESP, (uint16_t)p->len, 0, false, 1);
    }
    say_hex(p->data, p->len);
}

static void unseal(struct tool *t, struct pkt *p)
{
    if (strip(p)) {
        printf("drop no ESP\n");
        return;
    }
    esp_open(&t->batch, &p, 1);
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
