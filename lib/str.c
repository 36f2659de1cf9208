/* Growable text. See str.h. */
#include "lib/str.h"
#include "lib/mem.h"
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void str_free(struct str *s)
{
    free(s->s);
    *s = (struct str){0};
}

void str_wipe(struct str *s)
{
    mem_wipe(s->s, s->cap);
    str_free(s);
}

void str_clear(struct str *s)
{
    s->len = 0;
    if (s->s)
        s->s[0] = '\0';
}

/* Makes room for n more bytes and the NUL. */
static bool grow(struct str *s, size_t n)
{
    if (s->bad || n > SIZE_MAX / 4) {
        s->bad = true;
        return false;
    }
    size_t need = s->len + n + 1;
    if (need <= s->cap)
        return true;
    size_t cap = s->cap ? s->cap : 128;
    while (cap < need)
        cap *= 2;
    char *p = (char *)malloc(cap);
    if (!p) {
        s->bad = true;
        return false;
    }
    if (s->s)
        memcpy(p, s->s, s->len + 1);
    mem_wipe(s->s, s->cap); /* it may hold a secret, which realloc() would leave behind */
    free(s->s);
    s->s = p;
    s->cap = cap;
    return true;
}

void str_addn(struct str *s, const char *text, size_t n)
{
    if (!grow(s, n))
        return;
    if (n)
        memcpy(s->s + s->len, text, n);
    s->len += n;
    s->s[s->len] = '\0';
}

void str_add(struct str *s, const char *text)
{
    str_addn(s, text, strlen(text));
}

void str_addc(struct str *s, char c)
{
    str_addn(s, &c, 1);
}

void str_pad(struct str *s, size_t column)
{
    size_t width = 0;
    while (width < s->len && s->s[s->len - 1 - width] != '\n')
        width++;
    for (; width < column; width++)
        str_addc(s, ' ');
}

void str_vprintf(struct str *s, const char *fmt, va_list ap)
{
    if (!grow(s, 0))
        return;
    va_list again;
    va_copy(again, ap);
    size_t room = s->cap - s->len;
    int n = vsnprintf(s->s + s->len, room, fmt, ap);
    if (n >= 0 && (size_t)n >= room && grow(s, (size_t)n)) /* mostly it fits at once */
        vsnprintf(s->s + s->len, (size_t)n + 1, fmt, again);
    va_end(again);
    s->bad |= n < 0;
    if (s->bad)
        s->s[s->len] = '\0'; /* nothing of what did not fit */
    else
        s->len += (size_t)n;
}

void str_printf(struct str *s, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    str_vprintf(s, fmt, ap);
    va_end(ap);
}

void hex_write(char *out, const uint8_t *p, size_t n)
{
    static const char digit[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *out++ = digit[p[i] >> 4];
        *out++ = digit[p[i] & 15];
    }
    *out = '\0';
}

void str_hex(struct str *s, const uint8_t *p, size_t n)
{
    if (!grow(s, 2 * n))
        return;
    hex_write(s->s + s->len, p, n);
    s->len += 2 * n;
}

const char *str_text(const struct str *s)
{
    return s->s ? s->s : "";
}

bool str_copy(char *dst, size_t cap, const char *src)
{
    size_t n = strlen(src);
    if (!cap)
        return false;
    size_t take = n < cap ? n : cap - 1;
    memcpy(dst, src, take);
    dst[take] = '\0';
    return take == n;
}
