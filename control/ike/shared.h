/*
 * What both versions of IKE are built from besides codec.h and crypto.h: key agreements as jobs,
 * messages that wait, numbers that look random, configurations that outlive the intent.
 */
#ifndef TANDEM_CONTROL_IKE_SHARED_H
#define TANDEM_CONTROL_IKE_SHARED_H

#include "control/ike/crypto.h"
#include "control/ike/ike.h"
#include "control/ike/index.h"

/* A key agreement under way, maybe in a helper thread, which touches only fields below `c`. It is
 * the first member of what an engine keeps of it. */
struct ike_dh_job {
    struct ike_job j;
    struct ike_crypto *c;
    uint16_t group;
    struct ike_dh *dh; /* made when NULL; gone once it has served, unless `keep` */
    bool keep;         /* another peer's half may come */
    size_t pub_len, peer_len, secret_len;
    uint8_t pub[IKE_PUB_MAX], peer[IKE_PUB_MAX], secret[IKE_SECRET_MAX];
    int err;
};
/* A new key pair when dh is NULL (else it is taken), the secret when peer is given. -EMSGSIZE. */
int ike_dh_job_set(struct ike_dh_job *d, struct ike_crypto *c, uint16_t group, struct ike_dh *dh,
                   const uint8_t *peer, size_t peer_len, void (*done)(struct ike_job *j));
void ike_dh_job_clear(struct ike_dh_job *d, size_t all); /* wipes `all` bytes from d on */

/* Messages in the order in which they are to leave. */
struct ike_message {
    struct ike_message *next;
    struct ike_path path;
    size_t len;
    uint8_t msg[];
};
struct ike_outq {
    struct ike_message *head, *last;
};
void ike_outq_add(struct ike_outq *q, const struct ike_path *p, const uint8_t *msg, size_t len);
struct ike_message *ike_outq_pop(struct ike_outq *q); /* to be freed; NULL when empty */

/* A permutation of the numbers of 2×half bits (a small Feistel network under a key): counting
 * through it gives numbers that look random and never come twice, without a search through what
 * is in use. Not a secret: SPIs are seen on the wire. */
uint32_t ike_permute(uint64_t key, uint32_t n, unsigned half);

/* Where the SAs between these two addresses are among IKE_PEER_BUCKETS lists. Peers choose their
 * addresses; the key keeps them from choosing the list. */
#define IKE_PEER_BUCKETS 4096 /* power of two */
unsigned ike_peer_bucket(uint64_t key, const struct ike_path *p);
/* A hash of these bytes, going on from one before or from the engine's key. */
uint64_t ike_hash(uint64_t from, const void *p, size_t n);

/* A copy of a configuration, also of the proposals it points to, which go to prop. */
void ike_cfg_copy(struct ike_child_cfg *to, struct ike_esp_proposal prop[IKE_PROPOSALS],
                  const struct ike_child_cfg *from);

#endif
