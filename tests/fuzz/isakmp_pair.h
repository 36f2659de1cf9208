/* Two engines of IKEv1 for fuzzing (pair.h). */
#ifndef TESTS_FUZZ_ISAKMP_PAIR_H
#define TESTS_FUZZ_ISAKMP_PAIR_H

#include "control/isakmp/codec.h"
#include "control/isakmp/isakmp.h"

#define PAIR_ENGINE struct isakmp
#define PAIR_FIELD  k
#define PAIR_LIB(x) isakmp_##x
#define PAIR_POLICY struct isakmp_policy
#define PAIR_HEADER ISK_HEADER_LEN
#include "tests/fuzz/pair.h"

/* Nothing, main mode message by message, quick mode message by message, established, phase 1 gone;
 * then the same with aggressive mode. */
#define PAIR_STAGES 12

static inline bool pair_peer(void *h, const struct ike_path *p, const struct ike_identity *id,
                             struct isakmp_peer_cfg *out)
{
    (void)p;
    (void)id;
    *out = (struct isakmp_peer_cfg){.psk = (const uint8_t *)"cisco",
                                    .psk_len = 5,
                                    .aggressive = ((struct pair_side *)h)->pair->aggressive,
                                    .dpd_seconds = 10,
                                    .dpd_retry = 2,
                                    .dpd_periodic = true,
                                    .fragmentation = true};
    return true;
}

static inline bool pair_debug_on(void *h, enum isakmp_debug cls)
{
    (void)h;
    (void)cls;
    return true;
}

static inline void pair_debug(void *h, enum isakmp_debug cls, const char *text)
{
    (void)h;
    (void)cls;
    if (strlen(text) > 600)
        abort();
}

static inline bool pair_child_ok(const struct ike_child_state *c)
{
    return c->n_ts == 1 && c->spi_in >= 256 && c->spi_out >= 256;
}

static inline void pair_own(struct pair_side *s)
{
    static const struct isakmp_host host = {.base = {.send = pair_send,
                                                     .accept_child = pair_accept,
                                                     .child_cfg = pair_cfg,
                                                     .child_alloc = pair_alloc,
                                                     .child_up = pair_up,
                                                     .child_down = pair_down,
                                                     .initiate_failed = pair_failed,
                                                     .random = pair_random},
                                            .policies = pair_policies,
                                            .peer = pair_peer,
                                            .debug_on = pair_debug_on,
                                            .debug = pair_debug};

    s->policy = (struct isakmp_policy){.priority = 1,
                                       .encr = {ENCR_AES_CBC, 128},
                                       .hash = PRF_SHA256,
                                       .group = DH_ECP256,
                                       .auth = 1,
                                       .lifetime = 3000};
    s->k = isakmp_new(&host, s, &s->pair->q, &s->pair->clk);
}

static inline bool pair_first(void *ctx, const struct ike_sa_state *sa)
{
    *(struct ike_sa_state *)ctx = *sa;
    return false;
}

static inline void pair_advance(struct pair *p, unsigned stage)
{
    struct ike_path path = {p->side[0].addr, p->side[1].addr, 500, 500};
    struct ike_sa_state sa = {0};
    static const uint8_t messages[PAIR_STAGES] = {0, 0, 1, 2, 3, 4, 5, 6, 7, 255, 255, 2};

    p->aggressive = stage == PAIR_STAGES - 1;
    if (stage == 0)
        return;
    isakmp_initiate(p->side[0].k, &path, &p->side[0].cfg);
    for (unsigned i = 0; i < messages[stage] && p->n > 0; i++)
        pair_deliver_one(p);
    if (stage == 10) { /* children without phase 1 */
        isakmp_each(p->side[0].k, pair_first, &sa);
        isakmp_clear_one(p->side[0].k, sa.tunnel_id);
        pair_deliver(p);
    }
}

#endif
