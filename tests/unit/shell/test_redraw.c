/*
 * Redisplay against a terminal of a few lines: whatever is edited, the screen shows it. The
 * terminal knows what every terminal knows: text, CR, LF, backspace, and wrapping.
 */
#include "shell/redraw.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#define ROWS 64
#define COLS 132

struct screen {
    unsigned width, row, col; /* col == width: the wrap is pending */
    char cell[ROWS][COLS + 1];
};

static void screen_clear(struct screen *s, unsigned width)
{
    memset(s, 0, sizeof(*s));
    s->width = width;
    memset(s->cell, ' ', sizeof(s->cell));
}

static void screen_write(struct screen *s, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (c == '\n') {
            s->row++;
            s->col = 0;
        } else if (c == '\r') {
            s->col = 0;
        } else if (c == '\b') {
            s->col -= s->col > 0;
        } else {
            assert_true(c >= ' ' && c < 0x7f);
            if (s->col == s->width) {
                s->row++;
                s->col = 0;
            }
            assert_true(s->row < ROWS);
            s->cell[s->row][s->col++] = c;
        }
    }
}

static unsigned next_random(unsigned *seed)
{
    *seed = *seed * 1103515245u + 12345u;
    return *seed >> 16;
}

/* From row `first` on the screen shows text, blanks behind it, and the cursor at `at`. */
static void check_wrapped(const struct screen *s, unsigned first, const char *text, size_t at)
{
    size_t len = strlen(text);
    for (size_t i = 0; i < len + s->width; i++) {
        char want = i < len ? text[i] : ' ';
        assert_int_equal(s->cell[first + i / s->width][i % s->width], want);
    }
    unsigned row = s->row - first, col = s->col;
    assert_int_equal(row * s->width + col, at);
}

/* The cursor's row shows the part of the text around the cursor. */
static void check_sideways(const struct screen *s, const char *text, size_t at)
{
    char row[COLS + 1];
    memcpy(row, s->cell[s->row], s->width);
    row[s->width] = '\0';
    size_t used = s->width;
    while (used > 0 && row[used - 1] == ' ')
        used--;
    assert_true(used < s->width); /* the last column is never written: nothing wraps */
    assert_true(at >= s->col);
    size_t start = at - s->col, len = strlen(text);
    for (size_t i = 0; i < used; i++) {
        bool mark = row[i] == '$' && ((i == 0 && start > 0) || i == used - 1);
        if (!mark)
            assert_int_equal(row[i], start + i < len ? text[start + i] : ' ');
    }
    if (at < len && s->col < used)
        assert_true(row[s->col] != '$' || text[at] == '$' || s->col == used - 1);
}

static void edit_randomly(char *line, size_t *len, size_t *point, size_t most, unsigned *seed)
{
    unsigned what = next_random(seed) % 8;
    if (what < 4 && *len < most) {
        memmove(line + *point + 1, line + *point, *len - *point + 1);
        line[(*point)++] = (char)('a' + next_random(seed) % 26);
        (*len)++;
    } else if (what == 4 && *point > 0) {
        memmove(line + *point - 1, line + *point, *len - *point + 1);
        (*point)--;
        (*len)--;
    } else if (what == 5) {
        *point = next_random(seed) % (*len + 1);
    } else if (what == 6) {
        *point = *len;
    } else if (what == 7 && next_random(seed) % 8 == 0) {
        line[*point] = '\0';
        *len = *point;
    }
}

static void run_edits(unsigned width, size_t most, unsigned seed, bool *went_sideways)
{
    struct redraw r = {0};
    struct screen s;
    char line[300] = "";
    size_t len = 0, point = 0;
    screen_clear(&s, width);
    redraw_start(&r, width);
    for (int i = 0; i < 60; i++) {
        struct str out = {0}, text = {0};
        redraw_update(&r, "R1(config)#", line, point, &out);
        screen_write(&s, str_text(&out), out.len);
        str_printf(&text, "R1(config)#%s", line);
        if (r.sideways)
            check_sideways(&s, str_text(&text), 11 + point);
        else
            check_wrapped(&s, 0, str_text(&text), 11 + point);
        *went_sideways |= r.sideways;
        str_free(&out);
        str_free(&text);
        edit_randomly(line, &len, &point, most, &seed);
    }
    redraw_free(&r);
}

static void short_lines_stay_in_place(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 300; seed++) {
        bool sideways = false;
        run_edits(80, 60, seed, &sideways);
        assert_false(sideways);
    }
}

static void long_lines_show_where_the_cursor_is(void **state)
{
    (void)state;
    unsigned moved = 0;
    for (unsigned seed = 1; seed <= 500; seed++) {
        bool sideways = false;
        run_edits(14 + seed % 20, 200, seed, &sideways);
        moved += sideways;
    }
    assert_true(moved > 100); /* the case was met */
}

static void appending_writes_each_character_once(void **state)
{
    (void)state;
    struct redraw r = {0};
    struct str all = {0}, want = {0};
    char line[400] = "";
    redraw_start(&r, 40);
    str_add(&want, "R1#");
    for (size_t i = 0; i < 300; i++) {
        redraw_update(&r, "R1#", line, i, &all);
        line[i] = (char)('a' + i % 26);
        str_addc(&want, line[i]);
    }
    redraw_update(&r, "R1#", line, 300, &all);
    assert_string_equal(str_text(&all), str_text(&want));
    redraw_free(&r);
    str_free(&all);
    str_free(&want);
}

static void characters_of_several_bytes_are_one_column(void **state)
{
    (void)state;
    struct redraw r = {0};
    struct str out = {0};
    redraw_start(&r, 80);
    redraw_update(&r, "#", "a\xc3\xbc\xe2\x82\xac", 6, &out);
    assert_string_equal(str_text(&out), "#a\xc3\xbc\xe2\x82\xac");
    str_clear(&out);
    redraw_update(&r, "#", "a\xc3\xa4\xe2\x82\xac", 3, &out);
    assert_string_equal(str_text(&out), "\b\b\xc3\xa4\xe2\x82\xac\b");
    redraw_free(&r);
    str_free(&out);
}

static void control_characters_are_shown(void **state)
{
    (void)state;
    struct redraw r = {0};
    struct str out = {0};
    redraw_start(&r, 80);
    redraw_update(&r, "#", "a\x16", 2, &out);
    assert_string_equal(str_text(&out), "#a^V");
    redraw_free(&r);
    str_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(short_lines_stay_in_place),
        cmocka_unit_test(long_lines_show_where_the_cursor_is),
        cmocka_unit_test(appending_writes_each_character_once),
        cmocka_unit_test(characters_of_several_bytes_are_one_column),
        cmocka_unit_test(control_characters_are_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
