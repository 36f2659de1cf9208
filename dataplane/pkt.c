/*
 * Packet vectors. See pkt.h.
 *
 * All buffers of a vector are one block. It is larger than a page, so memory that no packet
 * ever needed is never touched.
 */
#include "dataplane/pkt.h"
#include <stdlib.h>
#include <string.h>

struct pktvec *pktvec_new(void)
{
    struct pktvec *v = calloc(1, sizeof *v);
    uint8_t *block = malloc((size_t)PKT_BATCH * PKT_ROOM);
    if (!v || !block) {
        free(v);
        free(block);
        return NULL;
    }
    for (size_t i = 0; i < PKT_BATCH; i++) {
        v->p[i].buf = block + i * PKT_ROOM;
        pkt_reset(&v->p[i]);
    }
    return v;
}

void pktvec_free(struct pktvec *v)
{
    if (!v)
        return;
    free(v->p[0].buf);
    free(v);
}

void pkt_reset(struct pkt *p)
{
    uint8_t *buf = p->buf;
    memset(p, 0, sizeof *p);
    p->buf = buf;
    p->data = buf + PKT_HEAD;
    p->cause = PKT_OK;
}
