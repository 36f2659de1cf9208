/* See shared.h. */
#include "control/ike/shared.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>

static void job_work(struct ike_job *job)
{
    struct ike_dh_job *j = (struct ike_dh_job *)job;

    if (!j->dh)
        j->dh = ike_dh_new(j->c, j->group);
    if (!j->dh)
        j->err = -EIO;
    if (j->err == 0)
        j->err = ike_dh_pub(j->dh, j->pub, sizeof j->pub);
    j->pub_len = ike_dh_pub_len(j->group);
    if (j->err == 0 && j->peer_len)
        j->err =
            ike_dh_shared(j->dh, j->peer, j->peer_len, j->secret, sizeof j->secret, &j->secret_len);
    if (j->err != 0 || !j->peer_len || j->keep)
        return;
    /* Here, not on the loop: what a helper made is freed under locks of the allocator and of
     * OpenSSL that another helper may hold while it is put aside, and its priority is low. */
    ike_dh_free(j->dh);
    j->dh = NULL;
}

int ike_dh_job_set(struct ike_dh_job *d, struct ike_crypto *c, uint16_t group, struct ike_dh *dh,
                   const uint8_t *peer, size_t peer_len, void (*done)(struct ike_job *j))
{
    if (peer_len > IKE_PUB_MAX)
        return -EMSGSIZE;
    *d = (struct ike_dh_job){.j = {job_work, done},
                             .c = ike_crypto_ref(c),
                             .group = group,
                             .dh = dh,
                             .peer_len = peer_len};
    if (peer_len)
        memcpy(d->peer, peer, peer_len);
    return 0;
}

void ike_dh_job_clear(struct ike_dh_job *d, size_t all)
{
    ike_dh_free(d->dh);
    ike_crypto_unref(d->c);
    mem_wipe(d, all);
}

void ike_outq_add(struct ike_outq *q, const struct ike_path *p, const uint8_t *msg, size_t len)
{
    struct ike_message *m = malloc(sizeof *m + len);

    if (!m)
        return; /* a lost datagram */
    m->next = NULL;
    m->path = *p;
    m->len = len;
    memcpy(m->msg, msg, len);
    *(q->head ? &q->last->next : &q->head) = m;
    q->last = m;
}

struct ike_message *ike_outq_pop(struct ike_outq *q)
{
    struct ike_message *m = q->head;

    if (m)
        q->head = m->next;
    return m;
}

uint32_t ike_permute(uint64_t key, uint32_t n, unsigned half)
{
    uint32_t mask = (1u << half) - 1, l = n >> half & mask, r = n & mask;

    for (unsigned round = 0; round < 4; round++) {
        uint64_t x = (r + key + round) * UINT64_C(0x9e3779b97f4a7c15);
        x = (x ^ x >> 31) * UINT64_C(0xbf58476d1ce4e5b9);
        uint32_t t = (l ^ (uint32_t)(x >> 40)) & mask;
        l = r;
        r = t;
    }
    return l << half | r;
}

uint64_t ike_hash(uint64_t from, const void *p, size_t n)
{
    const uint8_t *b = p;
    uint64_t x = from;

    for (size_t i = 0; i < n; i++)
        x = (x ^ b[i]) * UINT64_C(0x9e3779b97f4a7c15) ^ x >> 29;
    return x;
}

unsigned ike_peer_bucket(uint64_t key, const struct ike_path *p)
{
    uint64_t x = ike_hash(key, p->local.b, addr_size(&p->local));

    x = ike_hash(x, p->remote.b, addr_size(&p->remote));
    return (unsigned)(x >> 40) & (IKE_PEER_BUCKETS - 1);
}

void ike_cfg_copy(struct ike_child_cfg *to, struct ike_esp_proposal prop[IKE_PROPOSALS],
                  const struct ike_child_cfg *from)
{
    *to = *from;
    if (to->n_proposal > IKE_PROPOSALS)
        to->n_proposal = IKE_PROPOSALS;
    for (unsigned i = 0; i < to->n_proposal; i++) {
        prop[i] = *from->proposal[i];
        to->proposal[i] = &prop[i];
    }
}

bool ike_is_meant(const struct ike_sa_state *s, const struct ike_which *w)
{
    return (!addr_is_set(&w->local) || addr_eq(&w->local, &s->path.local)) &&
           (!addr_is_set(&w->remote) || addr_eq(&w->remote, &s->path.remote)) &&
           (!w->lport || w->lport == s->path.lport) && (!w->rport || w->rport == s->path.rport) &&
           (!w->ifid || w->ifid == s->ifid) && (!w->tunnel_id || w->tunnel_id == s->tunnel_id);
}
