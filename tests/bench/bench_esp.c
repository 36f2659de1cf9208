/*
 * What one ESP packet costs in each crypto backend: seal and open, in vectors of 64.
 *
 * The backends run by turns in one process, and the best of several rounds counts, so that the
 * ratio means something on a busy machine where the nanoseconds do not.
 */
#include "dataplane/ipsec.h"
#include "dataplane/ip.h"
#include "lib/transform.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 15

struct suite {
    const char *name;
    uint16_t encr, key_len, integ, ikey_len;
};

static const struct suite suites[] = {
    {"aes-gcm-128", ENCR_AES_GCM16, 20, INTEG_NONE, 0},
    {"aes-gcm-256", ENCR_AES_GCM16, 36, INTEG_NONE, 0},
    {"aes-128 sha-1", ENCR_AES_CBC, 16, INTEG_SHA1_96, 20},
    {"aes-256 sha-256", ENCR_AES_CBC, 32, INTEG_SHA256_128, 32},
    {"aes-256 sha-512", ENCR_AES_CBC, 32, INTEG_SHA512_256, 64},
};

struct end {
    struct ipsec_batch batch;
    struct sad sad;
    struct sa *out, *in;
    struct pktvec *v;
    double seal, open; /* best, in ns per packet */
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int install(struct end *e, const struct suite *s)
{
    struct sadb_sa m;
    memset(&m, 0, sizeof m);
    m.sa = 1;
    m.spi = 4096;
    m.proto = SADB_ESP;
    m.mode = SADB_TUNNEL;
    m.encr.id = s->encr;
    m.encr.key_len = s->key_len;
    m.integ.id = s->integ;
    m.integ.key_len = s->ikey_len;
    m.local = m.remote = addr_from_v4(0xc0000201);
    m.replay_window = 1024;
    m.dir = SADB_OUT;
    int err = sad_add(&e->sad, e->batch.crypto, &m, NULL, &e->out);
    m.sa = 2;
    m.dir = SADB_IN;
    e->seal = e->open = 1e12;
    return err ? err : sad_add(&e->sad, e->batch.crypto, &m, NULL, &e->in);
}

/* One vector there and back. Returns false when a packet did not survive. */
static bool vector(struct end *e, uint16_t len)
{
    struct pkt *p[PKT_BATCH];
    struct addr a = addr_from_v4(0x0a000001);
    for (size_t i = 0; i < PKT_BATCH; i++) {
        p[i] = &e->v->p[i];
        pkt_reset(p[i]);
        ip4_build(p[i]->data, &a, &a, 253, len, 0, false, 1);
        p[i]->len = len;
        p[i]->sa = e->out;
    }
    double t0 = now();
    ipsec_seal(&e->batch, p, PKT_BATCH);
    double t1 = now();
    for (size_t i = 0; i < PKT_BATCH; i++)
        p[i]->sa = e->in;
    double t2 = now();
    ipsec_open(&e->batch, p, PKT_BATCH);
    double t3 = now();
    if ((t1 - t0) / PKT_BATCH < e->seal)
        e->seal = (t1 - t0) / PKT_BATCH;
    if ((t3 - t2) / PKT_BATCH < e->open)
        e->open = (t3 - t2) / PKT_BATCH;
    for (size_t i = 0; i < PKT_BATCH; i++)
        if (p[i]->cause != PKT_OK || p[i]->len != len)
            return false;
    return true;
}

static int measure(struct end *e[2], const struct suite *s, uint16_t len)
{
    for (int b = 0; b < 2; b++)
        if (install(e[b], s))
            return 1;
    for (int round = 0; round < ROUNDS; round++)
        for (int b = 0; b < 2; b++)
            for (int k = 0; k < 20; k++)
                if (!vector(e[b], len))
                    return 1;
    printf("%-16s %5u   seal %6.0f %6.0f  x%.2f   open %6.0f %6.0f  x%.2f\n", s->name, len,
           e[0]->seal, e[1]->seal, e[0]->seal / e[1]->seal, e[0]->open, e[1]->open,
           e[0]->open / e[1]->open);
    sad_flush(&e[0]->sad, 0);
    sad_flush(&e[1]->sad, 0);
    return 0;
}

int main(void)
{
    static const enum crypto_want wants[2] = {CRYPTO_OSSL, CRYPTO_MB};
    static const uint16_t lens[] = {64, 512, 1400};
    struct end *e[2];
    for (int b = 0; b < 2; b++) {
        e[b] = calloc(1, sizeof *e[b]);
        if (!e[b] || !(e[b]->v = pktvec_new()) || !(e[b]->batch.crypto = crypto_new(wants[b]))) {
            fprintf(stderr, "bench_esp: this machine has only one backend\n");
            return 0;
        }
    }
    printf("ESP, ns per packet, OpenSSL / intel-ipsec-mb, and their ratio\n");
    int bad = 0;
    for (size_t s = 0; s < sizeof suites / sizeof suites[0]; s++)
        for (size_t l = 0; l < sizeof lens / sizeof lens[0]; l++)
            bad |= measure(e, &suites[s], lens[l]);
    for (int b = 0; b < 2; b++) {
        crypto_free(e[b]->batch.crypto);
        pktvec_free(e[b]->v);
        free(e[b]);
    }
    return bad;
}
