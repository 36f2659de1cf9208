/*
 * Message IDs agreed upon anew (RFC 6311 §5.1), when one box of a pair goes on for the other and
 * has not heard of all that it did: an INFORMATIONAL exchange with message ID 0 says from where
 * both sides count. Both have said in IKE_AUTH that they understand it.
 *
 * The peer of a pair answers always. The pair asks only when there is reason to doubt what it
 * knows: a message verifies that should not have come yet, or nothing answers after a takeover. A
 * standby that had everything never does.
 */
#include "control/ike/internal.h"
#include "lib/mem.h"
#include <errno.h>
#include <stdlib.h>

#define LEAP      1024u /* the other box has not had more exchanges that nobody told of */
#define TRIES     8
#define MOST      (1u << 29) /* a number above this is none that anybody came to by counting */
#define ASK_AGAIN USEC_PER_SEC

static void put(struct ike_writer *w, uint32_t nonce, uint32_t send, uint32_t recv)
{
    uint8_t data[12];
    struct wbuf b = wbuf_make(data, sizeof data);

    wbuf_u32(&b, nonce);
    wbuf_u32(&b, send);
    wbuf_u32(&b, recv);
    ike_w_notify(w, N_MESSAGE_ID_SYNC, data, sizeof data);
}

static bool get(const struct ike_notify_pl *n, uint32_t *nonce, uint32_t *send, uint32_t *recv)
{
    struct rbuf r = rbuf_make(n->data, n->len);

    *nonce = rbuf_u32(&r);
    *send = rbuf_u32(&r);
    *recv = rbuf_u32(&r);
    return !r.bad && rbuf_left(&r) == 0 && *send < MOST && *recv < MOST;
}

static uint32_t larger(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* The open request again under the next number: what is in it is taken out of the message as it was
 * sent. One in fragments is not. */
static int ask_again(struct ike_sa *sa)
{
    struct ike *ike = sa->ike;
    struct ike_sk_key key = ike_key_of(&sa->s, sa->s.initiator);
    struct ike_request *q = &sa->req;
    struct ike_payloads pl;
    struct ike_header h;
    size_t n;
    bool probe = q->probe;

    if (ike_header_read(q->msg, q->len, &h) < 0 ||
        ike_payloads_read(h.next, q->msg + IKE_HEADER_LEN, q->len - IKE_HEADER_LEN, &pl) < 0)
        return -ENOTSUP;
    const struct ike_payload *sk = ike_payload_find(&pl, PL_SK);
    if (!sk ||
        ike_open(ike->c, &key, q->msg, q->len, (size_t)(sk->p - q->msg), ike->plain_in, &n) < 0)
        return -ENOTSUP;
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);
    wbuf_bytes(&w.w, ike->plain_in, n);
    w.first = pl.sk_first;
    int err = ike_send_request(sa, q->exchange, &w);
    sa->req.probe = probe && sa->req.open;
    mem_wipe(ike->plain_in, n);
    return err;
}

/* Both sides count on from here. */
static void agree(struct ike_sa *sa, uint32_t send, uint32_t recv)
{
    if (recv != sa->s.next_recv_mid) { /* nobody asks for it again */
        free(sa->resp.msg);
        sa->resp = (struct ike_response){0};
    }
    sa->s.next_send_mid = send;
    sa->s.next_recv_mid = recv;
    sa->sync.doubts = 0;
    sa->sync.open = false;
    ike_sa_changed(sa);
    if (sa->req.open && ask_again(sa) < 0)
        ike_sa_end(sa, IKE_R_INTERNAL); /* its answer could not be told from another one */
}

/* --- the peer of a pair ------------------------------------------------------------------- */

static void answer(struct ike_sa *sa, const struct ike_rx *rx, const struct ike_notify_pl *n)
{
    struct ike *ike = sa->ike;
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);
    uint32_t nonce, send, recv;

    /* §5.1: nothing below what was seen already, not even the same request again; so an old one
     * that somebody kept says nothing. */
    if (!get(n, &nonce, &send, &recv) || send < sa->s.next_recv_mid || send < sa->sync_next) {
        ike_dropped(ike, sa, IKE_DROP_MESSAGE_ID);
        return;
    }
    sa->s.last_in = ike_now(ike);
    sa->sync_next = send + 1;
    uint32_t ours = larger(recv, sa->s.next_send_mid);
    ike_debug_sa(sa, 4, "Message IDs are synchronized: next %u out, %u in", ours, send);
    put(&w, nonce, ours, send);
    if (ike_send_aside(sa, rx->path, true, send, &w) == 0)
        agree(sa, ours, send);
}

/* --- the pair ----------------------------------------------------------------------------- */

void ike_sync_doubt(struct ike_sa *sa, uint32_t heard)
{
    struct ike *ike = sa->ike;
    struct ike_writer w = ike_writer_make(ike->plain_out, sizeof ike->plain_out);
    usec_t now = ike_now(ike);

    if (!sa->s.sync_ids || sa->s.state != IKE_ESTABLISHED || sa->sync.tries >= TRIES ||
        now < sa->sync.after)
        return;
    /* A retry has another nonce and a higher number (§5.1). */
    sa->sync.tries++;
    sa->sync.after = now + ASK_AGAIN;
    sa->sync.open = true;
    sa->sync.send = sa->s.next_send_mid + LEAP * sa->sync.tries;
    sa->sync.recv = larger(sa->s.next_recv_mid, heard < MOST ? heard : 0);
    ike->host.random(ike->h, (uint8_t *)&sa->sync.nonce, sizeof sa->sync.nonce);
    ike_debug_sa(sa, 4, "Synchronizing message IDs: next %u out, %u in", sa->sync.send,
                 sa->sync.recv);
    put(&w, sa->sync.nonce, sa->sync.send, sa->sync.recv);
    (void)ike_send_aside(sa, &sa->s.path, false, sa->sync.send, &w); /* else once more */
}

static void answered(struct ike_sa *sa, const struct ike_notify_pl *n)
{
    uint32_t nonce, send, recv;

    if (!sa->sync.open || !get(n, &nonce, &send, &recv) || nonce != sa->sync.nonce ||
        send < sa->sync.recv || recv < sa->sync.send) {
        ike_dropped(sa->ike, sa, IKE_DROP_MESSAGE_ID);
        return;
    }
    sa->s.last_in = ike_now(sa->ike);
    agree(sa, recv, send);
}

bool ike_sync_input(struct ike_sa *sa, const struct ike_rx *rx)
{
    struct ike_notify_pl n;

    if (!ike_notify_find(&rx->pl, N_MESSAGE_ID_SYNC, &n))
        return false;
    if (rx->h.flags & IKE_F_RESPONSE)
        answered(sa, &n);
    else
        answer(sa, rx, &n);
    return true;
}
