/* A binary heap of deadlines. See timer.h. */
#include "lib/timer.h"
#include <errno.h>
#include <stdlib.h>

static void place(struct timerq *q, size_t i, struct timer *t)
{
    q->heap[i] = t;
    t->slot = i + 1;
}

static void sift_up(struct timerq *q, size_t i)
{
    struct timer *t = q->heap[i];
    while (i > 0) {
        size_t parent = (i - 1) / 2;
        if (q->heap[parent]->when <= t->when)
            break;
        place(q, i, q->heap[parent]);
        i = parent;
    }
    place(q, i, t);
}

static void sift_down(struct timerq *q, size_t i)
{
    struct timer *t = q->heap[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= q->n)
            break;
        if (child + 1 < q->n && q->heap[child + 1]->when < q->heap[child]->when)
            child++;
        if (t->when <= q->heap[child]->when)
            break;
        place(q, i, q->heap[child]);
        i = child;
    }
    place(q, i, t);
}

static void told(struct timerq *q)
{
    if (q->changed)
        q->changed(q, q->ctx);
}

void timerq_free(struct timerq *q)
{
    for (size_t i = 0; i < q->n; i++)
        q->heap[i]->slot = 0;
    free(q->heap);
    q->heap = NULL;
    q->n = q->cap = 0;
}

void timer_init(struct timer *t, timer_fn *fn, void *owner)
{
    *t = (struct timer){.fn = fn, .owner = owner};
}

int timer_set(struct timerq *q, struct timer *t, usec_t when)
{
    if (!t->slot) {
        if (q->n == q->cap) {
            size_t cap = q->cap ? q->cap * 2 : 64;
            struct timer **heap = (struct timer **)realloc(q->heap, cap * sizeof(struct timer *));
            if (!heap)
                return -1;
            q->heap = heap;
            q->cap = cap;
        }
        place(q, q->n++, t);
    }
    t->when = when;
    sift_up(q, t->slot - 1);
    sift_down(q, t->slot - 1);
    if (t->slot == 1)
        told(q);
    return 0;
}

void timer_cancel(struct timerq *q, struct timer *t)
{
    if (!t->slot)
        return;
    size_t i = t->slot - 1;
    t->slot = 0;
    struct timer *last = q->heap[--q->n];
    if (last != t) {
        place(q, i, last);
        sift_up(q, i);
        sift_down(q, last->slot - 1);
    }
    if (i == 0)
        told(q);
}

usec_t timerq_next(const struct timerq *q)
{
    return q->n ? q->heap[0]->when : -1;
}

size_t timerq_run(struct timerq *q, usec_t now, size_t n)
{
    size_t fired = 0;
    while (fired < n && q->n && q->heap[0]->when <= now) {
        struct timer *t = q->heap[0];
        timer_cancel(q, t);
        fired++;
        t->fn(t, t->owner);
    }
    return fired;
}
