/* Peers that are known to be dead. See dead.h. */
#include "control/crypto/dead.h"
#include "control/priv.h"
#include <stdlib.h>

#define REMEMBERED (60 * USEC_PER_SEC)
#define LOOK       (100 * USEC_PER_MSEC)

/* --- what is known
 * ----------------------------------------------------------------------------------- */

static int by_peer(const void *x, const void *y)
{
    return addr_cmp(&((const struct dead_probe *)x)->peer, &((const struct dead_probe *)y)->peer);
}

/* The first probe of a peer; those of the same one follow. NULL: none. */
static const struct dead_probe *probes_of(const struct dead_peers *d, const struct addr *peer)
{
    const struct dead_probe key = {.peer = *peer};
    const struct dead_probe *p =
        d->n_probe ? (const struct dead_probe *)bsearch(&key, d->probe, d->n_probe,
                                                        sizeof(*d->probe), by_peer)
                   : NULL;
    while (p && p > d->probe && by_peer(&p[-1], &key) == 0)
        p--;
    return p;
}

static bool failed(const struct control *c, uint32_t number)
{
    enum sla_code code;
    return sla_state(c->sla, number, &code) &&
           (code == SLA_TIMEOUT || code == SLA_NO_CONNECTION || code == SLA_VERIFY_ERROR);
}

static bool all_failed(const struct control *c, const struct addr *peer)
{
    const struct dead_peers *d = &c->dead;
    const struct dead_probe *p = probes_of(d, peer);
    if (!p)
        return false;
    for (; p < d->probe + d->n_probe && addr_eq(&p->peer, peer); p++)
        if (!failed(c, p->number))
            return false;
    return true;
}

static size_t kept(const struct control *c, const struct addr *peer)
{
    size_t i = 0;
    while (i < c->dead.n && !addr_eq(&c->dead.kept[i].peer, peer))
        i++;
    return i;
}

static bool is_dead(const struct control *c, const struct addr *peer)
{
    size_t i = kept(c, peer);
    return all_failed(c, peer) ||
           (i < c->dead.n && clock_mono(&c->o.clock) < c->dead.kept[i].until);
}

bool dead_skip(const struct control *c, const struct intent_map_entry *e, const struct addr *peer)
{
    if (!c->intent.skip_dead || !is_dead(c, peer))
        return false;
    for (uint8_t i = 0; i < e->n_peer; i++)
        if (!is_dead(c, &e->peer[i]))
            return true;
    return false; /* nobody is left: all of them are tried */
}

void dead_alive(struct control *c, const struct addr *peer)
{
    size_t i = kept(c, peer);
    if (i < c->dead.n)
        c->dead.kept[i] = c->dead.kept[--c->dead.n];
}

/* The one that would be forgotten first makes room. */
static size_t room(const struct dead_peers *d)
{
    size_t at = 0;
    if (d->n < DEAD_KEPT)
        return d->n;
    for (size_t i = 1; i < d->n; i++)
        if (d->kept[i].until < d->kept[at].until)
            at = i;
    return at;
}

void dead_given_up(struct control *c, const struct addr *peer, enum ike_reason why)
{
    struct dead_peers *d = &c->dead;
    size_t i = kept(c, peer);
    if (!c->intent.skip_dead || (why != IKE_R_DPD && why != IKE_R_RETRANSMIT))
        return;
    if (i == d->n)
        i = room(d);
    if (i == d->n)
        d->n++;
    d->kept[i].peer = *peer;
    d->kept[i].until = clock_mono(&c->o.clock) + REMEMBERED;
}

/* --- probes
 * ------------------------------------------------------------------------------------------ */

/* Its SAs end where another peer could have the traffic. */
static void leave(struct control *c, const struct addr *peer)
{
    char a[ADDR_STRLEN];
    bool other = false;
    for (size_t i = 0; i < c->ids.n && !other; i++) {
        const struct identity *id = c->ids.by_policy[i];
        other = (id->sa_in || id->walking) && addr_eq(&id->tried, peer) &&
                dead_skip(c, id->entry, peer);
    }
    if (!other)
        return;
    log_line(c->o.log, LOGL_NOTICE, "tunnel", "peer %s: its probe has failed",
             addr_print(peer, a, sizeof(a)));
    keyex_clear(c, peer, 0);
}

void dead_probed(struct control *c, uint32_t number)
{
    const struct dead_peers *d = &c->dead;
    for (size_t i = 0; i < d->n_probe; i++)
        if (d->probe[i].number == number && all_failed(c, &d->probe[i].peer)) {
            struct addr peer = d->probe[i].peer;
            leave(c, &peer);
            return;
        }
}

/* Since when somebody waits for this peer: from the last packet of its SA on, when others went out
 * behind it, or all the time while IKE asks it. False: nobody does. */
static bool waits(const struct control *c, const struct identity *id, usec_t *since)
{
    const struct wanted_sa *in = id->sa_in ? wanted_find(c, id->sa_in) : NULL;
    const struct wanted_sa *out = id->sa_out ? wanted_find(c, id->sa_out) : NULL;
    *since = 0;
    if (!in || !out)
        return id->walking;
    *since = slot_last_used(c, in->m.slot);
    return slot_last_used(c, out->m.slot) > *since;
}

static void look_at(struct control *c, struct identity *id, usec_t now)
{
    const struct dead_probe *p = probes_of(&c->dead, &id->tried);
    usec_t since;
    if (!p || !waits(c, id, &since))
        return;
    usec_t timeout = (usec_t)p->timeout * USEC_PER_MSEC;
    if (now - since < timeout || now - id->probed < timeout)
        return;
    id->probed = now;
    for (; p < c->dead.probe + c->dead.n_probe && addr_eq(&p->peer, &id->tried); p++)
        sla_hurry(c->sla, p->number);
}

static void on_look(struct timer *t, void *owner)
{
    struct control *c = (struct control *)owner;
    usec_t now = clock_mono(&c->o.clock);
    for (size_t i = 0; i < c->ids.n; i++) {
        struct identity *id = c->ids.by_policy[i];
        if ((id->sa_in || id->walking) && id->entry->n_peer > 1)
            look_at(c, id, now);
    }
    timer_set(&c->timers, t, now + LOOK);
}

/* --- configuration
 * ----------------------------------------------------------------------------------- */

void dead_init(struct control *c)
{
    timer_init(&c->dead.look, on_look, c);
}

void dead_free(struct control *c)
{
    timer_cancel(&c->timers, &c->dead.look);
    free(c->dead.probe);
    c->dead.probe = NULL;
    c->dead.n_probe = c->dead.cap_probe = 0;
}

void dead_apply(struct control *c)
{
    struct dead_peers *d = &c->dead;
    const struct intent *in = &c->intent;
    timer_cancel(&c->timers, &d->look);
    d->n_probe = 0;
    if (!in->skip_dead) {
        d->n = 0;
        return;
    }
    for (uint32_t i = 0; i < in->n_sla; i++)
        if (VEC_ROOM(d->probe, d->cap_probe, d->n_probe + 1))
            d->probe[d->n_probe++] = (struct dead_probe){.peer = in->sla[i].target,
                                                         .number = in->sla[i].number,
                                                         .timeout = in->sla[i].timeout};
    if (d->n_probe) {
        qsort(d->probe, d->n_probe, sizeof(*d->probe), by_peer);
        timer_set(&c->timers, &d->look, clock_mono(&c->o.clock) + LOOK);
    }
}
