/* Replaced SAs that still receive. See grace.h. */
#include "control/crypto/grace.h"
#include "control/priv.h"
#include <stdlib.h>

#define GRACE      (2 * USEC_PER_SEC)
#define GRACE_MOST 4096u

struct grace_sa {
    struct grace_sa *next;
    usec_t when;
    uint32_t sa, slot;
};

static void drop_first(struct control *c)
{
    struct grace *g = &c->grace;
    struct grace_sa *s = g->head;
    g->head = s->next;
    if (!g->head)
        g->tail = &g->head;
    g->n--;
    slot_give(&c->ids, s->slot);
    free(s);
}

static void on_timer(struct timer *t, void *owner)
{
    struct control *c = (struct control *)owner;
    struct grace *g = &c->grace;
    usec_t now = clock_mono(&c->o.clock);
    (void)t;
    while (g->head && g->head->when <= now) {
        wanted_delete(c, g->head->sa);
        drop_first(c);
    }
    if (g->head)
        timer_set(&c->timers, &g->timer, g->head->when);
}

void grace_init(struct control *c)
{
    c->grace.tail = &c->grace.head;
    timer_init(&c->grace.timer, on_timer, c);
}

bool grace_take(struct control *c, uint32_t sa, uint32_t slot)
{
    struct grace *g = &c->grace;
    struct grace_sa *s = g->n < GRACE_MOST ? (struct grace_sa *)malloc(sizeof(*s)) : NULL;
    if (!s)
        return false;
    *s = (struct grace_sa){.when = clock_mono(&c->o.clock) + GRACE, .sa = sa, .slot = slot};
    if (!g->head && timer_set(&c->timers, &g->timer, s->when) < 0) {
        free(s);
        return false;
    }
    *g->tail = s;
    g->tail = &s->next;
    g->n++;
    return true;
}

void grace_free(struct control *c)
{
    timer_cancel(&c->timers, &c->grace.timer);
    while (c->grace.head)
        drop_first(c);
}
