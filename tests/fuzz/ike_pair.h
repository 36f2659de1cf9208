/* Two engines of IKEv2 for fuzzing (pair.h). */
#ifndef TESTS_FUZZ_IKE_PAIR_H
#define TESTS_FUZZ_IKE_PAIR_H

#include "control/ike/codec.h"
#include "control/ike/ike.h"

#define PAIR_ENGINE struct ike
#define PAIR_FIELD  ike
#define PAIR_LIB(x) ike_##x
#define PAIR_POLICY struct ike_policy
#define PAIR_HEADER IKE_HEADER_LEN
#include "tests/fuzz/pair.h"

/* nothing, first message out, responder half open, IKE_AUTH out, established, leaving */
#define PAIR_STAGES 10

static inline bool pair_peer(void *h, const struct ike_path *p, const struct ike_identity *id,
                             struct ike_peer_cfg *out)
{
    (void)h;
    (void)id;
    (void)p;
    *out = (struct ike_peer_cfg){.local_psk = (const uint8_t *)"cisco",
                                 .remote_psk = (const uint8_t *)"cisco",
                                 .local_psk_len = 5,
                                 .remote_psk_len = 5,
                                 .dpd_seconds = 10,
                                 .dpd_retry = 2,
                                 .sync_ids = true};
    return true;
}

static inline bool pair_debug_on(void *h, enum ike_debug cls, unsigned level)
{
    (void)h;
    (void)cls;
    (void)level;
    return true;
}

static inline void pair_debug(void *h, enum ike_debug cls, unsigned level, const char *text)
{
    (void)h;
    (void)cls;
    (void)level;
    if (strlen(text) > 600)
        abort();
}

static inline bool pair_child_ok(const struct ike_child_state *c)
{
    return c->n_ts > 0 && c->n_ts <= SADB_TS_MAX;
}

static inline void pair_own(struct pair_side *s)
{
    static const struct ike_host host = {.send = pair_send,
                                         .policies = pair_policies,
                                         .peer = pair_peer,
                                         .accept_child = pair_accept,
                                         .child_cfg = pair_cfg,
                                         .child_alloc = pair_alloc,
                                         .child_up = pair_up,
                                         .child_down = pair_down,
                                         .initiate_failed = pair_failed,
                                         .debug_on = pair_debug_on,
                                         .debug = pair_debug,
                                         .random = pair_random};

    s->policy = (struct ike_policy){.priority = 1,
                                    .encr = {{ENCR_AES_GCM16, 128}},
                                    .prf = {PRF_SHA256},
                                    .group = {DH_X25519},
                                    .n_encr = 1,
                                    .n_prf = 1,
                                    .n_group = 1,
                                    .lifetime = 3000};
    s->ike = ike_new(&host, s, &s->pair->q, &s->pair->clk);
}

static inline void pair_advance(struct pair *p, unsigned stage)
{
    struct ike_path path = {p->side[0].addr, p->side[1].addr, 500, 500};

    if (stage == 0)
        return;
    ike_initiate(p->side[0].ike, &path, &p->side[0].cfg);
    for (unsigned i = 1; i < stage && i < 4; i++)
        pair_deliver_one(p); /* request, response, IKE_AUTH */
    if (stage >= 4)
        pair_deliver(p);
    if (stage == 5)
        ike_clear(p->side[0].ike, NULL, 0);
    /* Lifetimes: the child is rekeyed by one side or by both, then the IKE SA is. */
    if (stage >= 6)
        pair_sleep(p, 1901);
    if (stage == 7)
        pair_sleep(p, 75);
    if (stage >= 8) {
        pair_deliver(p);
        pair_sleep(p, 950);
    }
    if (stage == 9)
        pair_sleep(p, 90);
}

#endif
