/* SAs without traffic. See idle.h. */
#include "control/crypto/idle.h"
#include "control/priv.h"
#include <string.h>

/* When a packet passed the SA in force, either way. */
static usec_t last_packet(const struct control *c, const struct identity *id)
{
    const uint32_t sa[] = {id->sa_in, id->sa_out};
    usec_t last = 0;
    for (unsigned i = 0; i < 2; i++) {
        const struct wanted_sa *w = sa[i] ? wanted_find(c, sa[i]) : NULL;
        usec_t t = w ? slot_last_used(c, w->m.slot) : 0;
        last = t > last ? t : last;
    }
    return last;
}

static void note(const struct control *c, struct identity *id)
{
    usec_t t = last_packet(c, id);
    if (t > id->used)
        id->used = t;
}

static void look_again(struct control *c, struct identity *id)
{
    timer_set(&c->timers, &id->idle, id->used + (usec_t)id->entry->idle_seconds * USEC_PER_SEC);
}

/* Children of crossing exchanges serve an identity one after the other. */
static void end_children(struct control *c, const struct identity *id)
{
    for (uint32_t sa = 0; id->sa_in && id->sa_in != sa;) {
        sa = id->sa_in;
        keyex_end_child(c, sa, IKE_R_LOCAL_DELETE);
    }
}

static void on_idle(struct timer *t, void *owner)
{
    struct identity *id = (struct identity *)owner;
    struct control *c = id->control;
    (void)t;
    if (!id->sa_in || !id->entry->idle_seconds)
        return;
    note(c, id);
    if (id->used + (usec_t)id->entry->idle_seconds * USEC_PER_SEC > clock_mono(&c->o.clock)) {
        look_again(c, id);
        return;
    }
    log_line(c->o.log, LOGL_NOTICE, "tunnel", "map %s %u: no traffic for %u s", id->map->name,
             id->seq, id->entry->idle_seconds);
    if (id->entry->idle_default)
        memset(&id->current, 0, sizeof(id->current));
    end_children(c, id);
}

void idle_init(struct identity *id)
{
    timer_init(&id->idle, on_idle, id);
}

void idle_child_up(struct control *c, struct identity *id)
{
    if (id->sa_in)
        note(c, id);
    else
        id->used = clock_mono(&c->o.clock);
    if (id->entry->idle_seconds)
        look_again(c, id);
}

void idle_end(struct control *c, struct identity *id)
{
    timer_cancel(&c->timers, &id->idle);
}
