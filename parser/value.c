/*
 * The types of docs/grammar.md: reading, printing, hints.
 */
#include "parser/value.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum kw_match kw_match(const char *keyword, const char *t, size_t n)
{
    if (strncasecmp(keyword, t, n) != 0)
        return KW_NO;
    return keyword[n] == '\0' ? KW_EXACT : KW_PREFIX;
}

size_t kw_common(const char *keyword, const char *t, size_t n)
{
    size_t i = 0;
    while (i < n && keyword[i] &&
           tolower((unsigned char)keyword[i]) == tolower((unsigned char)t[i]))
        i++;
    return i;
}

const struct g_enum *value_keywords(const struct g_arg *a)
{
    if (a->type == GT_ENUM || a->type == GT_PROTO || a->type == GT_PORT)
        return &g_enums[a->ref];
    return NULL;
}

static bool copy_text(const char *t, size_t n, char *buf)
{
    if (n >= VALUE_TEXT)
        return false;
    memcpy(buf, t, n);
    buf[n] = '\0';
    return true;
}

static bool read_number(const char *t, size_t n, uint64_t *v)
{
    if (n == 0 || n > 20)
        return false;
    *v = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned d = (unsigned char)t[i] - (unsigned)'0';
        if (d > 9 || *v > (UINT64_MAX - d) / 10)
            return false;
        *v = *v * 10 + d;
    }
    return true;
}

/* Four octets in decimal; the ASA also takes "0" for 0.0.0.0. */
static bool read_quad(const char *t, size_t n, struct addr *a)
{
    char buf[64];
    if (n == 1 && t[0] == '0') {
        *a = addr_from_v4(0);
        return true;
    }
    if (n < 7 || n >= sizeof(buf) || strspn(t, "0123456789.") < n)
        return false;
    memcpy(buf, t, n);
    buf[n] = '\0';
    return addr_parse(buf, a) == 0 && a->family == AF_INET;
}

static bool read_ip6(const char *t, size_t n, struct addr *a)
{
    char buf[64];
    if (n < 2 || n >= sizeof(buf))
        return false;
    memcpy(buf, t, n);
    buf[n] = '\0';
    return strchr(buf, ':') && addr_parse(buf, a) == 0 && a->family == AF_INET6;
}

/* IPv6 address, a slash, a length. */
static bool read_prefix6(const char *t, size_t n, struct prefix *p)
{
    const char *slash = (const char *)memchr(t, '/', n);
    uint64_t len;
    if (!slash || !read_ip6(t, (size_t)(slash - t), &p->addr) ||
        !read_number(slash + 1, n - (size_t)(slash - t) - 1, &len) || len > 128)
        return false;
    p->len = (uint8_t)len;
    return true;
}

/* hh:mm:ss, or hh:mm */
static bool read_time(const char *t, size_t n, uint64_t *seconds)
{
    uint64_t part[3] = {0, 0, 0};
    unsigned parts = 0;
    for (size_t i = 0; i < n;) {
        size_t k = i;
        while (k < n && t[k] != ':')
            k++;
        if (parts == 3 || k - i < 1 || k - i > 2 || !read_number(t + i, k - i, &part[parts]))
            return false;
        parts++;
        i = k < n ? k + 1 : k;
        if (k < n && i == n)
            return false; /* ends in a colon */
    }
    if (parts < 2 || part[0] > 23 || part[1] > 59 || part[2] > 59)
        return false;
    *seconds = part[0] * 3600 + part[1] * 60 + part[2];
    return true;
}

static bool is_host(const char *t, size_t n, size_t max)
{
    struct addr a;
    bool letter = false;
    if (read_quad(t, n, &a) && n > 1)
        return true;
    if (n == 0 || n > max)
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!isalnum((unsigned char)t[i]) && !strchr(".-_", t[i]))
            return false;
        letter = letter || !(isdigit((unsigned char)t[i]) || t[i] == '.');
    }
    return letter;
}

static size_t hex_span(const char *t, size_t n)
{
    size_t i = 0;
    while (i < n && isxdigit((unsigned char)t[i]))
        i++;
    return i;
}

bool value_accepts(const struct g_arg *a, const char *t, size_t n)
{
    struct addr ad;
    struct prefix p;
    uint64_t v;
    char name[64], until[TEXT_UNTIL];
    size_t from, len;
    switch (a->type) {
    case GT_NUM:
    case GT_PROTO:
    case GT_PORT:
        return read_number(t, n, &v) && v >= a->lo && v <= a->hi;
    case GT_IP:
    case GT_WILDCARD:
        return read_quad(t, n, &ad);
    case GT_MASK:
        return read_quad(t, n, &ad) && addr_mask_to_len(&ad) >= 0;
    case GT_IP6:
        return read_ip6(t, n, &ad);
    case GT_ADDR:
        return read_quad(t, n, &ad) || read_ip6(t, n, &ad);
    case GT_PREFIX6:
        return read_prefix6(t, n, &p);
    case GT_HOST:
        return is_host(t, n, a->hi);
    case GT_IFNAME:
        return ifname_read(t, n, name, sizeof(name)) == 0;
    case GT_TIME:
        return read_time(t, n, &v);
    case GT_HEX:
        return n > 0 && n <= a->hi && hex_span(t, n) == n;
    case GT_TEXT:
        return n > 0 && (text_span(t, n, &from, &len, until), len <= a->hi);
    case GT_WORD:
    case GT_REST:
    case GT_REF:
        return n > 0 && n <= a->hi;
    default:
        return false;
    }
}

static size_t quad_viable(const char *t, size_t n)
{
    unsigned dots = 0, value = 0, digits = 0;
    size_t i = 0;
    for (; i < n; i++) {
        if (isdigit((unsigned char)t[i])) {
            value = value * 10 + (unsigned)(t[i] - '0');
            if (value > 255 || ++digits > 9)
                break;
        } else if (t[i] == '.' && digits && dots < 3) {
            dots++;
            value = digits = 0;
        } else {
            break;
        }
    }
    return i;
}

static size_t ip6_viable(const char *t, size_t n)
{
    size_t i = 0;
    while (i < n && (isxdigit((unsigned char)t[i]) || t[i] == ':' || t[i] == '.'))
        i++;
    return i;
}

static size_t prefix6_viable(const char *t, size_t n)
{
    size_t i = ip6_viable(t, n);
    if (i < n && t[i] == '/' && memchr(t, ':', i))
        for (i++; i < n && isdigit((unsigned char)t[i]);)
            i++;
    return i;
}

size_t value_viable(const struct g_arg *a, const char *t, size_t n)
{
    struct addr ad;
    size_t i = 0;
    switch (a->type) {
    case GT_NUM:
    case GT_PROTO:
    case GT_PORT:
        while (i < n && isdigit((unsigned char)t[i]))
            i++;
        return i == n ? 0 : i; /* a number out of range is wrong from its start */
    case GT_MASK:
        return read_quad(t, n, &ad) ? 0 : quad_viable(t, n);
    case GT_IP:
    case GT_WILDCARD:
        return quad_viable(t, n);
    case GT_IP6:
        return ip6_viable(t, n);
    case GT_ADDR:
        return memchr(t, ':', n) ? ip6_viable(t, n) : quad_viable(t, n);
    case GT_PREFIX6:
        return prefix6_viable(t, n);
    case GT_IFNAME:
        return ifname_viable(t, n);
    case GT_TIME:
        while (i < n && (isdigit((unsigned char)t[i]) || t[i] == ':'))
            i++;
        return i;
    case GT_HEX:
        i = hex_span(t, n);
        return i > a->hi ? a->hi : i;
    case GT_HOST:
        while (i < n && (isalnum((unsigned char)t[i]) || strchr(".-_", t[i])))
            i++;
        return i;
    case GT_WORD:
    case GT_REST:
    case GT_TEXT:
    case GT_REF:
        return n > a->hi ? a->hi : n;
    default:
        return 0;
    }
}

bool value_begins(const struct g_arg *a, const char *t, size_t n)
{
    uint64_t v;
    if (g_store(a->type) == GS_U64 && a->type != GT_TIME)
        return read_number(t, n, &v) && v <= a->hi;
    return value_accepts(a, t, n) || value_viable(a, t, n) == n;
}

static bool read_keyword(const struct g_arg *a, const char *t, size_t n, uint64_t *v)
{
    const struct g_enum *e = value_keywords(a);
    const struct g_word *prefix = NULL;
    for (uint16_t i = 0; e && i < e->count; i++) {
        const struct g_word *w = &g_words[e->first + i];
        enum kw_match m = kw_match(w->text, t, n);
        if (m == KW_EXACT) {
            *v = w->value;
            return true;
        }
        if (m == KW_PREFIX && !prefix)
            prefix = w;
    }
    if (!prefix)
        return false;
    *v = prefix->value;
    return true;
}

int value_read(const struct g_arg *a, const char *t, size_t n, struct value *v, char *buf)
{
    char until[TEXT_UNTIL];
    size_t from, len;
    bool ok;
    memset(v, 0, sizeof(*v));
    switch (a->type) {
    case GT_FLAG:
        v->num = 1;
        return 0;
    case GT_NUM:
        ok = read_number(t, n, &v->num);
        break;
    case GT_ENUM:
        ok = read_keyword(a, t, n, &v->num);
        break;
    case GT_PROTO:
    case GT_PORT:
        ok = value_accepts(a, t, n) ? read_number(t, n, &v->num) : read_keyword(a, t, n, &v->num);
        break;
    case GT_IP:
    case GT_MASK:
    case GT_WILDCARD:
        ok = read_quad(t, n, &v->addr);
        break;
    case GT_IP6:
        ok = read_ip6(t, n, &v->addr);
        break;
    case GT_ADDR:
        ok = read_quad(t, n, &v->addr) || read_ip6(t, n, &v->addr);
        break;
    case GT_PREFIX6:
        ok = read_prefix6(t, n, &v->prefix);
        break;
    case GT_TIME:
        ok = read_time(t, n, &v->num);
        break;
    case GT_IFNAME:
        ok = ifname_read(t, n, buf, VALUE_TEXT) == 0;
        v->str = buf;
        break;
    case GT_TEXT:
        (void)text_span(t, n, &from, &len, until);
        ok = copy_text(t + from, len, buf);
        v->str = buf;
        break;
    default:
        ok = copy_text(t, n, buf);
        v->str = buf;
        break;
    }
    return ok ? 0 : -1;
}

static void print_keyword(const struct g_arg *a, uint64_t num, bool asa, struct str *out)
{
    const struct g_enum *e = value_keywords(a);
    for (uint16_t i = 0; e && i < e->count; i++) {
        const struct g_word *w = &g_words[e->first + i];
        if (w->value == num && (w->dialect & (asa ? G_ASA : G_IOS))) {
            str_add(out, w->text);
            return;
        }
    }
    str_printf(out, "%" PRIu64, num);
}

/* IOS writes the digits of IPv6 large. */
static void print_address(const char *text, bool asa, struct str *out)
{
    for (; *text; text++)
        str_addc(out, asa ? *text : (char)toupper((unsigned char)*text));
}

void value_print(const struct g_arg *a, const struct value *v, bool asa, struct str *out)
{
    char buf[PREFIX_STRLEN];
    switch (a->type) {
    case GT_NUM:
        str_printf(out, "%" PRIu64, v->num);
        break;
    case GT_ENUM:
    case GT_PROTO:
    case GT_PORT:
        print_keyword(a, v->num, asa, out);
        break;
    case GT_IP:
    case GT_MASK:
    case GT_WILDCARD:
    case GT_IP6:
    case GT_ADDR:
        print_address(addr_print(&v->addr, buf, sizeof(buf)), asa, out);
        break;
    case GT_PREFIX6:
        print_address(prefix_print(&v->prefix, buf, sizeof(buf)), asa, out);
        break;
    case GT_TIME:
        str_printf(out, "%02u:%02u:%02u", (unsigned)(v->num / 3600) % 24,
                   (unsigned)(v->num / 60) % 60, (unsigned)(v->num % 60));
        break;
    case GT_TEXT:
        text_print(v->str ? v->str : "", out);
        break;
    default:
        str_add(out, v->str ? v->str : "");
        break;
    }
}

void value_hint(const struct g_arg *a, struct str *out)
{
    switch (a->type) {
    case GT_NUM:
    case GT_PROTO:
    case GT_PORT:
        str_printf(out, "<%" PRIu64 "-%" PRIu64 ">", a->lo, a->hi);
        break;
    case GT_TEXT:
    case GT_REST:
        str_add(out, "LINE");
        break;
    case GT_IP:
    case GT_MASK:
    case GT_WILDCARD:
        str_add(out, "A.B.C.D");
        break;
    case GT_IP6:
        str_add(out, "X:X:X:X::X");
        break;
    case GT_ADDR:
        str_add(out, "A.B.C.D or X:X:X:X::X");
        break;
    case GT_PREFIX6:
        str_add(out, "X:X:X:X::X/<0-128>");
        break;
    case GT_HOST:
        str_add(out, "A.B.C.D or WORD");
        break;
    case GT_IFNAME:
        str_add(out, "IFNAME");
        break;
    case GT_TIME:
        str_add(out, "hh:mm:ss");
        break;
    case GT_HEX:
        str_add(out, "HEX");
        break;
    default:
        str_add(out, "WORD");
        break;
    }
}
