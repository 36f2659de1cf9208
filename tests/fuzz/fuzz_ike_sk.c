/*
 * IKEv2 after decryption: what a peer may say that has the keys, and what the pure parser makes
 * of it.
 *
 * The input is the plaintext of SK payloads. It is sealed with the real keys of an SA and given
 * to the other side: IKE_AUTH into a half-open responder, IKE_AUTH answers into a waiting
 * initiator, CREATE_CHILD_SA and INFORMATIONAL in both directions into established ones.
 */
#include "control/ike/codec.h"
#include "control/ike/crypto.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/ike_pair.h"

static bool take(void *ctx, const struct ike_sa_state *sa)
{
    memcpy(ctx, sa, sizeof *sa);
    return false;
}

static struct ike_crypto *crypto(void)
{
    static struct ike_crypto *c; /* a fuzz process has one; it is never freed */
    if (!c)
        c = ike_crypto_new();
    return c;
}

/* What both sides know of the SA; the initiator of it is always side 0. */
struct view {
    struct ike_sa_state side[2];
    const struct ike_sa_state *keys; /* of the one that has them */
};

static void look(struct pair *p, struct view *v)
{
    memset(v, 0, sizeof *v);
    ike_each(p->side[0].ike, take, &v->side[0]);
    ike_each(p->side[1].ike, take, &v->side[1]);
    v->keys = v->side[0].state >= IKE_AUTH_SENT ? &v->side[0] : &v->side[1];
}

static struct ike_sk_key key_of(const struct ike_sa_state *s, bool initiator)
{
    return (struct ike_sk_key){s->suite.encr, s->suite.encr_bits, s->suite.integ,
                               initiator ? s->keys.sk_ei : s->keys.sk_er,
                               initiator ? s->keys.sk_ai : s->keys.sk_ar};
}

/* Seals as `from` would, also when only one side knows the keys yet. */
static void speak(struct pair *p, int from, bool response, uint8_t exchange, uint8_t first,
                  const uint8_t *plain, size_t n)
{
    struct view *v = malloc(sizeof *v);
    uint8_t *buf = malloc(n + 256), iv[16] = {9};
    size_t len;

    look(p, v);
    struct ike_sk_key k = key_of(v->keys, from == 0);
    const struct ike_sa_state *to = &v->side[!from];
    struct ike_header h = {.spi_i = v->keys->spi_i,
                           .spi_r = v->keys->spi_r,
                           .version = 0x20,
                           .exchange = exchange,
                           .flags = (uint8_t)((from == 0 ? IKE_F_INITIATOR : 0) |
                                              (response ? IKE_F_RESPONSE : 0)),
                           .mid = response ? to->next_send_mid - 1 : to->next_recv_mid};
    if (h.spi_i && ike_seal(crypto(), &k, &h, first, plain, n, iv, buf, n + 256, &len) == 0)
        pair_inject(p, (unsigned)!from, 500, buf, len);
    free(buf);
    free(v);
}

/* Opens the message that is on its way, changes what is inside, seals it again. */
static void respeak(struct pair *p, const uint8_t *edits, size_t n_edits)
{
    struct view *v = malloc(sizeof *v);
    struct ike_payloads l;
    const uint8_t *msg = p->queue[0].msg;
    size_t len = p->queue[0].len, n, out_len;
    uint8_t *plain = malloc(len), *out = malloc(len + 64);
    struct ike_header h;

    look(p, v);
    struct ike_sk_key k = key_of(v->keys, msg[19] & IKE_F_INITIATOR);
    if (v->keys->spi_i && ike_header_read(msg, len, &h) == 0 &&
        ike_payloads_read(h.next, msg + 28, len - 28, &l) == 0 && ike_payload_find(&l, PL_SK) &&
        ike_open(crypto(), &k, msg, len, (size_t)(l.v[0].p - msg), plain, &n) == 0) {
        pair_edit(plain, n, edits, n_edits);
        if (ike_seal(crypto(), &k, &h, l.sk_first, plain, n, msg, out, len + 64, &out_len) == 0)
            pair_inject(p, (unsigned)p->queue[0].to, 500, out, out_len);
    }
    free(plain);
    free(out);
    free(v);
}

static void parse_alone(uint8_t first, const uint8_t *p, size_t n)
{
    struct ike_payloads l;
    struct ike_offer offer;
    struct ike_ts_list ts;
    struct ike_delete_pl d;
    struct ike_notify_pl notify;
    struct ike_identity id;

    if (ike_payloads_read(first, p, n, &l) < 0)
        return;
    for (unsigned i = 0; i < l.n; i++) {
        if (l.v[i].p < p || l.v[i].p + l.v[i].len > p + n)
            abort();
        if (ike_offer_read(&l.v[i], &offer) == 0 &&
            (offer.n > IKE_OFFER_PROPS || offer.n_x > IKE_OFFER_XFORMS))
            abort();
        if (ike_ts_read(&l.v[i], &ts) == 0 && ts.n > IKE_TS_LIST)
            abort();
        if (ike_id_read(&l.v[i], &id) == 0 && id.len > IKE_ID_MAX)
            abort();
        ike_delete_read(&l.v[i], &d);
        ike_notify_read(&l.v[i], &notify);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint8_t exchange[] = {X_AUTH, X_CREATE_CHILD, X_INFORMATIONAL, 99};

    if (len < 5 || len > 8192)
        return 0;
    struct pair *p = pair_get();
    pair_advance(p, data[0] % PAIR_STAGES);
    data++;
    len--;
    while (len >= 4) {
        size_t n = (size_t)(data[0] << 8 | data[1]);
        unsigned how = data[2];
        uint8_t first = data[3];
        data += 4;
        len -= 4;
        if (n > len)
            n = len;
        uint8_t *plain = malloc(n ? n : 1);
        memcpy(plain, data, n);
        parse_alone(first, plain, n);
        if ((how & 32) && p->n > 0)
            respeak(p, plain, n);
        else
            speak(p, how & 1, how & 2, exchange[how >> 2 & 3], first, plain, n);
        if (how & 16)
            pair_deliver(p);
        free(plain);
        data += n;
        len -= n;
    }
    pair_deliver(p);
    pair_finish(p);
    return 0;
}
