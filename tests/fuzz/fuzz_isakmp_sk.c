/*
 * IKEv1 after decryption: what a peer may say that has the keys, and what the pure parsers make of
 * it.
 *
 * The input is chains of payloads. Each gets its hash, is encrypted with the keys of an SA and
 * given to the other side: as a first message of quick mode, as an informational exchange, or as
 * the answer to a quick mode under way (which cannot be guessed and must be refused).
 */
#include "control/isakmp/keys.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/isakmp_pair.h"

static struct ike_crypto *crypto(void)
{
    static struct ike_crypto *c; /* a fuzz process has one; it is never freed */
    if (!c)
        c = ike_crypto_new();
    return c;
}

static bool up(void *ctx, const struct ike_sa_state *sa)
{
    if (sa->state != IKE_ESTABLISHED)
        return true;
    *(struct ike_sa_state *)ctx = *sa;
    return false;
}

/* The last block of phase 1 is no part of what an engine shows: it is in the last message of main
 * mode, which is encrypted with it at the end. */
static uint8_t last_block[ISK_BLOCK_MAX];

static void remember_last_block(struct pair *p)
{
    for (unsigned i = 0; i < p->n; i++)
        if (p->queue[i].msg[18] == ISX_MAIN && p->queue[i].msg[19] & ISK_F_ENCRYPTED)
            memcpy(last_block, p->queue[i].msg + p->queue[i].len - ISK_BLOCK_MAX, ISK_BLOCK_MAX);
}

static void establish(struct pair *p, unsigned messages)
{
    struct ike_path path = {p->side[0].addr, p->side[1].addr, 500, 500};

    p->aggressive = false;
    isakmp_initiate(p->side[0].k, &path, &p->side[0].cfg);
    for (unsigned i = 0; i < messages && p->n > 0; i++) {
        remember_last_block(p);
        pair_deliver_one(p);
    }
}

/* HASH and the payloads, sealed as `from` would. */
static void speak(struct pair *p, unsigned from, uint8_t exchange, uint32_t mid, uint8_t first,
                  const uint8_t *payloads, size_t n)
{
    struct ike_sa_state sa = {0};
    size_t hash_len = 32, len = ISK_HEADER_LEN + 4 + hash_len + n, cap = len + ISK_BLOCK_MAX;
    const struct bytes part = {payloads, n};
    uint8_t iv[ISK_BLOCK_MAX], hash[IKE_PRF_MAX];

    isakmp_each(p->side[0].k, up, &sa);
    if (sa.state != IKE_ESTABLISHED)
        return;
    uint8_t *msg = calloc(1, cap);
    struct wbuf w = wbuf_make(msg, cap);
    wbuf_u64(&w, sa.spi_i);
    wbuf_u64(&w, sa.spi_r);
    wbuf_u8(&w, ISP_HASH);
    wbuf_u8(&w, ISK_VERSION);
    wbuf_u8(&w, exchange);
    wbuf_u8(&w, ISK_F_ENCRYPTED);
    wbuf_u32(&w, mid);
    wbuf_u32(&w, (uint32_t)len);
    wbuf_u8(&w, first);
    wbuf_u8(&w, 0);
    wbuf_u16(&w, (uint16_t)(4 + hash_len));
    if (isk_hash_message(crypto(), &sa, false, mid, &part, 1, hash) == 0) {
        wbuf_bytes(&w, hash, hash_len);
        wbuf_bytes(&w, payloads, n);
        if (isk_iv_phase2(crypto(), &sa.suite, last_block, mid, iv) == 0 &&
            isk_encrypt(crypto(), &sa.suite, sa.keys.sk_ei, iv, msg, &len, cap) == 0)
            pair_inject(p, !from, 500, msg, len);
    }
    free(msg);
}

static void parse_alone(uint8_t first, const uint8_t *p, size_t n)
{
    struct isk_payloads l;
    struct isk_offer offer;
    struct isk_notify_pl notify;
    struct isk_delete_pl d;
    struct isk_id id;
    struct isk_xform x;
    struct addr_range range;
    struct ike_identity identity;
    struct addr a;

    isk_attrs_read(p, n, &x);
    if (isk_payloads_read(first, p, n, true, &l) < 0)
        return;
    if (l.used > n)
        abort();
    for (unsigned i = 0; i < l.n; i++) {
        if (l.v[i].p < p || l.v[i].p + l.v[i].len > p + n)
            abort();
        if (isk_offer_read(&l.v[i], &offer) == 0 &&
            (offer.n > ISK_OFFER_PROPS || offer.n_x > ISK_OFFER_XFORMS))
            abort();
        if (isk_id_read(&l.v[i], &id) == 0 && isk_id_range(&id, &range) &&
            addr_cmp(&range.lo, &range.hi) > 0)
            abort();
        if (isk_id_read(&l.v[i], &id) == 0 && isk_id_identity(&id, &identity) &&
            identity.len > IKE_ID_MAX)
            abort();
        isk_delete_read(&l.v[i], &d);
        isk_notify_read(&l.v[i], &notify);
        isk_natoa_read(&l.v[i], &a);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    uint32_t mid = 0x1000;

    if (len < 5 || len > 8192)
        return 0;
    struct pair *p = pair_get();
    /* phase 1 only, quick mode asked, answered, done */
    static const uint8_t messages[] = {6, 7, 8, 9};
    establish(p, messages[data[0] % 4]);
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
        speak(p, how & 1, how & 2 ? ISX_QUICK : ISX_INFO, mid++, first, plain, n);
        if (how & 4)
            pair_deliver(p);
        free(plain);
        data += n;
        len -= n;
    }
    pair_deliver(p);
    pair_finish(p);
    return 0;
}
