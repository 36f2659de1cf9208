/* The simulator (sim_net.h, sim_host.h) with IKEv2. */
#ifndef TESTS_IKE_SIM_H
#define TESTS_IKE_SIM_H

#include "control/ike/codec.h"
#include "control/ike/export.h"
#include "control/ike/ike.h"
#include "control/ike/internal.h"
#include "control/ike/steps.h"

#define SIM_ENGINE struct ike
#define SIM_FIELD  ike
#define SIM_LIB(x) ike_##x
#define SIM_POLICY struct ike_policy
#define SIM_OWN                                                                                    \
    const char *psk_local, *psk_remote;                                                            \
    uint32_t dpd_seconds, dpd_retry, lifetime;                                                     \
    bool dpd_periodic, dpd_on_demand;                                                              \
    struct ike_identity local_id,                                                                  \
        only_id;      /* own name; whom we have a key for (type 0: anybody) */                     \
    bool lists_peers; /* by address */                                                             \
    bool sync_ids;    /* it is a pair of boxes that offers RFC 6311 */                             \
    bool ios;         /* whose debugs */
#include "tests/unit/ike/sim_host.h"
#include <inttypes.h>

static inline bool sim_peer(void *h, const struct ike_path *p, const struct ike_identity *id,
                            struct ike_peer_cfg *out)
{
    struct sim_node *n = h;
    (void)p;
    if (!n->psk_local)
        return false;
    if (id && n->only_id.type && memcmp(id, &n->only_id, sizeof *id) != 0)
        return false;
    *out = (struct ike_peer_cfg){.local_psk = (const uint8_t *)n->psk_local,
                                 .remote_psk = (const uint8_t *)n->psk_remote,
                                 .local_psk_len = (uint16_t)strlen(n->psk_local),
                                 .remote_psk_len = (uint16_t)strlen(n->psk_remote),
                                 .local_id = n->local_id,
                                 .listed = n->lists_peers,
                                 .sync_ids = n->sync_ids,
                                 .lifetime = n->lifetime,
                                 .dpd_seconds = n->dpd_seconds,
                                 .dpd_retry = n->dpd_retry,
                                 .dpd_periodic = n->dpd_periodic,
                                 .dpd_on_demand = n->dpd_on_demand};
    return true;
}

static inline bool sim_debug_on(void *h, enum ike_debug cls, unsigned level)
{
    struct sim_node *n = h;
    (void)cls;
    (void)level;
    return n->debug;
}

static inline bool sim_debug_ios(void *h)
{
    return ((struct sim_node *)h)->ios;
}

static inline void sim_debug(void *h, enum ike_debug cls, unsigned level, const char *text)
{
    (void)cls;
    (void)level;
    sim_log(h, text);
}

static inline void sim_saved(struct sim_node *n, const uint8_t *p, size_t cnt)
{
    struct ike_numbers numbers;
    struct ike_sa *sa = calloc(1, sizeof *sa);
    assert_int_equal(ike_sa_unpack(n->ike, sa, &numbers, p, cnt, 0), 0);
    ike_sa_wipe(sa);
}

static const struct ike_host sim_host = {
    .send = sim_send,
    .policies = sim_policies,
    .peer = sim_peer,
    .accept_child = sim_accept,
    .child_cfg = sim_cfg,
    .child_alloc = sim_alloc,
    .child_up = sim_up,
    .child_retired = sim_retired,
    .child_down = sim_down,
    .initiate_failed = sim_failed,
    .event = sim_event,
    .debug_on = sim_debug_on,
    .debug = sim_debug,
    .debug_ios = sim_debug_ios,
    .run_job = sim_run_job,
    .random = sim_bytes,
    .save = sim_save,
};

static inline struct ike *sim_make(struct sim_node *n, struct timerq *q, const struct clock *clk)
{
    return ike_new(&sim_host, n, q, clk);
}

static inline struct ike_policy sim_policy(uint16_t encr, uint16_t bits, uint16_t integ,
                                           uint16_t prf, uint16_t group)
{
    return (struct ike_policy){.priority = 1,
                               .encr = {{encr, bits}},
                               .integ = {integ},
                               .prf = {prf},
                               .group = {group},
                               .n_encr = 1,
                               .n_integ = 1,
                               .n_prf = 1,
                               .n_group = 1,
                               .lifetime = 86400};
}

static inline void sim_defaults(struct sim_node *n, uint16_t group)
{
    n->policy[0] = sim_policy(ENCR_AES_CBC, 256, INTEG_SHA256_128, PRF_SHA256, group);
    n->entry[0].cfg.life_seconds = 28800;
    n->psk_local = n->psk_remote = "cisco";
}

/* Whether n of total runs may be what comes of a share of 1 in `of` or more: at least the mean less
 * three standard deviations. It holds for any number of runs, and the more there are the more it
 * says. */
static inline bool sim_share(uint64_t n, uint64_t total, unsigned of)
{
    double p = 1.0 / of, less = (double)total * p - (double)n;
    return less <= 0 || less * less <= 9 * (double)total * p * (1 - p);
}

#endif
