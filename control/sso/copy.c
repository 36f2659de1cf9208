/* SAs of the other box in our datapath. See copy.h. */
#include "control/sso/copy.h"
#include "control/priv.h"
#include "lib/mem.h"
#include <errno.h>

void copy_gone(struct control *c, uint32_t sa)
{
    const struct wanted_sa *w = wanted_find(c, sa);
    if (!w || !w->passive)
        return;
    uint32_t slot = w->m.slot;
    wanted_delete(c, sa);
    slot_give(&c->ids, slot);
}

/* Only where the peer is may change of an SA. */
static bool same_sa(const struct sadb_sa *a, const struct sadb_sa *b)
{
    return a->spi == b->spi && a->dir == b->dir && a->proto == b->proto && a->mode == b->mode &&
           a->encr.key_len == b->encr.key_len &&
           mem_equal_ct(a->encr.key, b->encr.key, sizeof(a->encr.key));
}

/* One that we have is by now where its record says. */
static int go_on(struct control *c, const struct sadb_sa *m)
{
    const struct position p = {.next = m->seq_first};
    int err = position_bytes(c, m->sa, m->bytes_before);
    return err || m->dir == SADB_OUT ? err : position_set(c, m->sa, &p);
}

int copy_put(struct control *c, struct sadb_sa *m)
{
    const struct wanted_sa *w = wanted_find(c, m->sa);
    struct ike_path to = {.remote = m->remote, .rport = m->remote_port};
    if (w && !w->passive)
        return -EINVAL;
    if (w && w->m.policy == m->policy && same_sa(&w->m, m)) {
        if (!addr_eq(&w->m.remote, &m->remote) || w->m.remote_port != m->remote_port)
            wanted_move(c, m->sa, &to);
        return go_on(c, m);
    }
    copy_gone(c, m->sa);
    m->slot = slot_take(&c->ids);
    if (m->slot == SADB_NO_SLOT)
        return -ENOSPC;
    int err = wanted_add_passive(c, m);
    if (err)
        slot_give(&c->ids, m->slot);
    return err;
}

void copy_position(struct control *c, uint32_t sa, uint64_t next, uint64_t ceiling)
{
    const struct wanted_sa *w = wanted_find(c, sa);
    const struct position p = {.next = next, .ceiling = ceiling};
    if (w && w->passive)
        (void)position_set(c, sa, &p);
}

void copy_bytes(struct control *c, uint32_t sa, uint64_t used)
{
    const struct wanted_sa *w = wanted_find(c, sa);
    if (w && w->passive)
        (void)position_bytes(c, sa, used);
}
