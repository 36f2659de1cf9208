/*
 * g_cases.inc: lines that the grammar must accept, made from the forms themselves:
 *
 *     G_CASE(entry, form, mode, dialects, flags, "line")
 *
 * Every arm of every choice stands in at least one, every option both in and out.
 */
#include "parser/compiler/model.h"

#include <string.h>

static void value(const struct arg *a, unsigned v, struct str *out)
{
    const struct enum_word *w = a->en ? a->en->words : NULL;
    switch (a->type) {
    case GT_NUM:
        str_printf(out, "%llu", v & 1 ? a->hi : a->lo);
        break;
    case GT_REST:
        str_add(out, a->hi > 9 && (v & 1) ? "Zq  text" : "Zq");
        break;
    case GT_TEXT:
        str_add(out, v & 1 ? "#Zq  text# and what follows" : "^CZq^C");
        break;
    case GT_IP:
        str_printf(out, "10.1.%u.3", v);
        break;
    case GT_MASK:
        str_add(out, v & 1 ? "255.255.255.0" : "255.255.255.255");
        break;
    case GT_WILDCARD:
        str_add(out, "0.0.0.255");
        break;
    case GT_IP6:
        str_add(out, "2001:db8::1");
        break;
    case GT_ADDR:
        str_printf(out, v & 1 ? "2001:db8::%u" : "10.1.%u.3", v);
        break;
    case GT_PREFIX6:
        str_printf(out, "2001:db8:%u::/48", v);
        break;
    case GT_HOST:
        str_add(out, v & 1 ? "Zh1" : "10.9.8.7");
        break;
    case GT_IFNAME:
        str_add(out, v & 1 ? "gi0/1" : "GigabitEthernet 0/1");
        break;
    case GT_TIME:
        str_add(out, "01:02:03");
        break;
    case GT_HEX:
        str_add(out, "0a");
        break;
    case GT_ENUM:
    case GT_PROTO:
    case GT_PORT:
        for (unsigned i = a->en ? v % a->en->count : 0; i && w->next; i--)
            w = w->next;
        str_add(out, w ? w->text : "?");
        break;
    default:
        str_add(out, a->hi > 1 ? "Zx" : "Z");
        break;
    }
}

static void spell(const struct expr *x, unsigned v, struct str *out)
{
    unsigned arms = 0;
    switch (x->kind) {
    case X_SEQ:
        each (expr, c, x->child)
            spell(c, v, out);
        return;
    case X_OPT:
        if (v & 1)
            spell(x->child, v, out);
        return;
    case X_ALT:
        each (expr, c, x->child)
            arms++;
        arms = arms ? (v >> 1) % arms : 0;
        each (expr, c, x->child)
            if (arms-- == 0) {
                spell(c, v, out);
                return;
            }
        return;
    case X_BLANK:
        return;
    default:
        break;
    }
    if (out->len)
        str_addc(out, ' ');
    if (x->kind == X_WORD)
        str_add(out, x->word);
    else
        value(x->arg, v, out);
}

static unsigned widest(const struct expr *x)
{
    unsigned n = 0, max = 1;
    each (expr, c, x->child) {
        unsigned w = widest(c);
        max = w > max ? w : max;
        n++;
    }
    if (x->arg && x->arg->en)
        max = x->arg->en->count;
    return x->kind == X_ALT && n > max ? n : max;
}

void write_cases(struct grammar *g, FILE *f)
{
    (void)fputs("/* Written by cgc from grammars/; do not edit. */\n", f);
    each (entry, e, g->entries)
        each (form, fo, e->forms) {
            struct str last = {0};
            for (unsigned v = 0; v < 2 * widest(fo->expr); v++) {
                struct str line = {0};
                if (fo->flags & GF_INVERTED)
                    str_add(&line, "no");
                spell(fo->expr, v, &line);
                if (!last.len || strcmp(str_text(&last), str_text(&line)) != 0) {
                    (void)fprintf(f, "G_CASE(%u, %u, %u, %u, %u, ", e->index, fo->index,
                                  fo->mode->index, fo->dialect, fo->flags);
                    c_string(f, str_text(&line));
                    (void)fputs(")\n", f);
                }
                str_free(&last);
                last = line;
            }
            str_free(&last);
        }
}
