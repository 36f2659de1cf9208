/*
 * The children of an SA: a list that grows. Nearly every SA has one child or two, so room for all
 * that there may be would be most of its memory.
 *
 * Pointers to a child do not outlive the next ike_child_room(). No callback of the host leads
 * there: a child comes from a message or from the end of a key agreement only. What moves holds no
 * keys: those of a child are the datapath's.
 */
#include "control/ike/sa.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int ike_child_room(struct ike_sa_state *s)
{
    if (s->n_children < s->room)
        return 0;
    uint32_t room = s->room ? 2 * s->room : 1;
    struct ike_child_state *v = calloc(room, sizeof *v);

    if (!v)
        return -ENOMEM;
    if (s->n_children > 0)
        memcpy(v, s->child, s->n_children * sizeof *v);
    free(s->child);
    s->child = v;
    s->room = room;
    return 0;
}

void ike_children_move(struct ike_sa_state *from, struct ike_sa_state *to)
{
    ike_children_free(to);
    to->child = from->child;
    to->n_children = from->n_children;
    to->room = from->room;
    from->child = NULL;
    from->n_children = from->room = 0;
}

void ike_children_free(struct ike_sa_state *s)
{
    free(s->child);
    s->child = NULL;
    s->n_children = s->room = 0;
}
