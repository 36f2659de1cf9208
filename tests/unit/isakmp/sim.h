/* The simulator (tests/unit/ike/sim_net.h, sim_host.h) with IKEv1. */
#ifndef TESTS_ISAKMP_SIM_H
#define TESTS_ISAKMP_SIM_H

#include "control/isakmp/internal.h"

#define SIM_ENGINE struct isakmp
#define SIM_FIELD  k
#define SIM_LIB(x) isakmp_##x
#define SIM_POLICY struct isakmp_policy
#define SIM_OWN                                                                                    \
    const char *psk;                                                                               \
    struct ike_identity last_named; /* by which a key was asked for */                             \
    struct isakmp_peer_cfg peer;    /* without the key */                                          \
    usec_t last_sent, last_traffic; /* of ESP, as the host tells it */
#include "tests/unit/ike/sim_host.h"

static inline bool sim_peer(void *h, const struct ike_path *p, const struct ike_identity *id,
                            struct isakmp_peer_cfg *out)
{
    struct sim_node *n = h;
    (void)p;
    if (id)
        n->last_named = *id;
    if (!n->psk)
        return false;
    *out = n->peer;
    out->psk = (const uint8_t *)n->psk;
    out->psk_len = (uint16_t)strlen(n->psk);
    return true;
}

static inline usec_t sim_last_sent(void *h, const struct ike_sa_state *sa)
{
    (void)sa;
    return ((struct sim_node *)h)->last_sent;
}

static inline usec_t sim_last_traffic(void *h, const struct ike_sa_state *sa)
{
    (void)sa;
    return ((struct sim_node *)h)->last_traffic;
}

static inline bool sim_debug_on(void *h, enum isakmp_debug cls)
{
    struct sim_node *n = h;
    (void)cls;
    return n->debug;
}

static inline void sim_debug(void *h, enum isakmp_debug cls, const char *text)
{
    (void)cls;
    sim_log(h, text);
}

static inline void sim_saved(struct sim_node *n, const uint8_t *p, size_t cnt)
{
    (void)n;
    (void)p;
    (void)cnt;
}

static const struct isakmp_host sim_host = {
    .base = {.send = sim_send,
             .accept_child = sim_accept,
             .child_cfg = sim_cfg,
             .child_alloc = sim_alloc,
             .child_up = sim_up,
             .child_retired = sim_retired,
             .child_down = sim_down,
             .initiate_failed = sim_failed,
             .event = sim_event,
             .run_job = sim_run_job,
             .random = sim_bytes,
             .save = sim_save,
             .last_traffic = sim_last_traffic,
             .last_sent = sim_last_sent},
    .policies = sim_policies,
    .peer = sim_peer,
    .debug_on = sim_debug_on,
    .debug = sim_debug,
};

static inline struct isakmp *sim_make(struct sim_node *n, struct timerq *q, const struct clock *clk)
{
    return isakmp_new(&sim_host, n, q, clk);
}

static inline struct isakmp_policy sim_policy(uint32_t priority, uint16_t encr, uint16_t bits,
                                              uint16_t hash, uint16_t group)
{
    return (struct isakmp_policy){.priority = priority,
                                  .encr = {encr, bits},
                                  .hash = hash,
                                  .group = group,
                                  .auth = 1,
                                  .lifetime = 86400};
}

/* As the boxes of seed 004. */
static inline void sim_defaults(struct sim_node *n, uint16_t group)
{
    n->policy[0] = sim_policy(1, ENCR_AES_CBC, 256, PRF_SHA256, group);
    n->entry[0].cfg.life_seconds = 3600;
    n->entry[0].cfg.life_kbytes = 4608000;
    n->psk = "cisco123";
}

#endif
