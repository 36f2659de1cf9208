/* Line editing with readline. See edit.h. */
#include "shell/edit.h"
#include "lib/mem.h"
#include "shell/redraw.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <readline/readline.h>
#include <readline/history.h>

#define CTRL_KEY(c) ((c)&0x1f)

/* readline's callbacks carry no context, as its own state is the process's; so is this. */
static struct {
    struct term *term;
    const struct edit_hooks *hooks;
    struct redraw screen;
    unsigned width;
    enum edit_end end;
    bool ended;    /* by a key; otherwise the input stopped */
    bool text;     /* no command is being typed */
    FILE *nowhere; /* whatever readline itself would write */
    Keymap keys;
} ed;

/* --- what readline calls ------------------------------------------------------------------ */

static void redisplay(void)
{
    struct str out = {0};
    redraw_update(&ed.screen, rl_display_prompt ? rl_display_prompt : "", rl_line_buffer,
                  (size_t)rl_point, &out);
    term_put(ed.term, str_text(&out), out.len);
    str_wipe(&out);
}

static int next_key(FILE *unused)
{
    (void)unused;
    for (;;) {
        int c = ed.hooks->key(ed.hooks->ctx);
        if (c < 0)
            return EOF;
        /* On an empty line readline takes Ctrl-D for the end of input. */
        if (c == CTRL_KEY('D') && rl_end == 0)
            continue;
        if (rl_end >= EDIT_LINE_MAX && c >= ' ' && c != 0x7f)
            continue;
        return c;
    }
}

static int key_available(void)
{
    return term_key_waiting(ed.term);
}

static void terminal_mode(int meta)
{
    (void)meta;
}
static void terminal_restore(void)
{
}

static ssize_t discard(void *cookie, const char *data, size_t len)
{
    (void)cookie;
    (void)data;
    return (ssize_t)len;
}

/* --- keys --------------------------------------------------------------------------------- */

static int end_line(enum edit_end end, const char *echo)
{
    ed.end = end;
    ed.ended = true;
    rl_done = 1;
    rl_point = rl_end;
    redisplay();
    term_puts(ed.term, echo);
    return 0;
}

static int on_enter(int count, int key)
{
    (void)count;
    (void)key;
    return end_line(EDIT_ENTER, "\n");
}

static int on_leave(int count, int key)
{
    (void)count;
    (void)key;
    return end_line(EDIT_LEAVE, "^Z\n");
}

static int on_abort(int count, int key)
{
    (void)count;
    (void)key;
    return end_line(EDIT_ABORT, "^C\n");
}

void edit_again(void)
{
    redraw_start(&ed.screen, ed.width);
    redisplay();
}

static int on_redraw(int count, int key)
{
    (void)count;
    (void)key;
    term_puts(ed.term, "\n");
    edit_again();
    return 0;
}

/* The copies that readline made of what was typed. Its buffer has its full length from the start
 * and never moves. */
static void wipe_typed(void)
{
    rl_free_undo_list();
    mem_wipe(rl_line_buffer, EDIT_LINE_MAX + 1);
    rl_point = rl_end = rl_mark = 0;
}

static void free_text(char *text)
{
    mem_wipe(text, text ? strlen(text) : 0);
    free(text);
}

static char *text_to_cursor(void)
{
    return strndup(rl_line_buffer, (size_t)rl_point);
}

static int on_help(int count, int key)
{
    if (ed.text)
        return rl_insert(count, key);
    char *text = text_to_cursor();
    if (!text)
        return 0;
    term_puts(ed.term, "?\n");
    ed.hooks->help(ed.hooks->ctx, text);
    free_text(text);
    term_fresh_line(ed.term);
    edit_again();
    return 0;
}

/* Tab. In a pasted text a tab is the blank it was meant as wherever it completes nothing. */
static int on_tab(int count, int key)
{
    (void)key;
    if (ed.text)
        return rl_insert(count, ' ');
    char *text = text_to_cursor();
    struct str whole = {0};
    bool behind_word = rl_point > 0 && rl_line_buffer[rl_point - 1] != ' ';
    if (text && behind_word)
        ed.hooks->complete(ed.hooks->ctx, text, &whole);
    if (whole.len && text) {
        rl_begin_undo_group();
        rl_delete_text(0, rl_point);
        rl_point = 0;
        rl_insert_text(str_text(&whole));
        rl_end_undo_group();
        term_puts(ed.term, "\n");
        edit_again();
    } else if (behind_word && term_key_waiting(ed.term)) {
        rl_insert_text(" ");
    } else if (behind_word) {
        term_puts(ed.term, "\a");
    }
    free_text(text);
    str_wipe(&whole);
    return 0;
}

static int on_nothing(int count, int key)
{
    (void)count;
    (void)key;
    return 0;
}

static const struct {
    const char *keys;
    rl_command_func_t *fn;
} bindings[] = {
    {"\\C-m", on_enter},
    {"\\C-j", on_enter},
    {"\\C-z", on_leave},
    {"\\C-c", on_abort},
    {"\\C-l", on_redraw},
    {"\\C-r", on_redraw},
    {"?", on_help},
    {"\\C-i", on_tab},
    {"\\C-v", rl_quoted_insert},
    {"\\C-a", rl_beg_of_line},
    {"\\C-e", rl_end_of_line},
    {"\\C-b", rl_backward_char},
    {"\\C-f", rl_forward_char},
    {"\\C-d", rl_delete},
    {"\\C-h", rl_rubout},
    {"\\C-?", rl_rubout},
    {"\\C-k", rl_kill_line},
    {"\\C-u", rl_unix_line_discard},
    {"\\C-x", rl_unix_line_discard},
    {"\\C-w", rl_unix_word_rubout},
    {"\\C-y", rl_yank},
    {"\\C-t", rl_transpose_chars},
    {"\\C-p", rl_get_previous_history},
    {"\\C-n", rl_get_next_history},
    {"\\C-^", on_nothing}, /* Ctrl-Shift-6 where nothing runs */
    {"\\eb", rl_backward_word},
    {"\\ef", rl_forward_word},
    {"\\ed", rl_kill_word},
    {"\\ec", rl_capitalize_word},
    {"\\el", rl_downcase_word},
    {"\\eu", rl_upcase_word},
    {"\\eq", rl_quoted_insert},
    {"\\e\\C-h", rl_backward_kill_word},
    {"\\e\\C-?", rl_backward_kill_word},
    {"\\e[A", rl_get_previous_history},
    {"\\e[B", rl_get_next_history},
    {"\\e[C", rl_forward_char},
    {"\\e[D", rl_backward_char},
    {"\\eOA", rl_get_previous_history},
    {"\\eOB", rl_get_next_history},
    {"\\eOC", rl_forward_char},
    {"\\eOD", rl_backward_char},
    {"\\e[H", rl_beg_of_line},
    {"\\e[F", rl_end_of_line},
    {"\\e[1~", rl_beg_of_line},
    {"\\e[4~", rl_end_of_line},
    {"\\e[3~", rl_delete},
};

/* Only these keys: readline's defaults hold many that would write to the terminal. */
static void bind_keys(void)
{
    ed.keys = rl_make_bare_keymap();
    for (int c = ' '; c < 0x7f; c++)
        rl_bind_key_in_map(c, rl_insert, ed.keys);
    for (int c = 0x80; c <= 0xff; c++)
        rl_bind_key_in_map(c, rl_insert, ed.keys);
    for (size_t i = 0; i < sizeof(bindings) / sizeof(bindings[0]); i++)
        rl_bind_keyseq_in_map(bindings[i].keys, bindings[i].fn, ed.keys);
    rl_set_keymap(ed.keys);
}

/* --- the editor --------------------------------------------------------------------------- */

void edit_open(struct term *term, const struct edit_hooks *hooks)
{
    ed.term = term;
    ed.hooks = hooks;
    /* Nothing of the person's or the system's own readline settings, and no terminal
     * description: the stream is the same for everyone. */
    setenv("INPUTRC", "/dev/null", 1);
    setenv("TERM", "dumb", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    cookie_io_functions_t io = {.write = discard};
    ed.nowhere = fopencookie(NULL, "r+", io);
    rl_instream = rl_outstream = ed.nowhere;
    rl_terminal_name = "dumb";
    rl_readline_name = "tandem";
    rl_catch_signals = 0;
    rl_catch_sigwinch = 0;
    rl_change_environment = 0;
    rl_prep_term_function = terminal_mode;
    rl_deprep_term_function = terminal_restore;
    rl_getc_function = next_key;
    rl_input_available_hook = key_available;
    rl_redisplay_function = redisplay;
    rl_initialize();
    static const char *const settings[][2] = {
        {"bind-tty-special-chars", "off"},
        {"enable-bracketed-paste", "off"},
        {"bell-style", "none"},
        {"input-meta", "on"},
        {"output-meta", "on"},
        {"convert-meta", "off"},
        {"history-preserve-point", "off"},
        {"blink-matching-paren", "off"},
    };
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++)
        rl_variable_bind(settings[i][0], settings[i][1]);
    rl_extend_line_buffer(EDIT_LINE_MAX + 1);
    bind_keys();
    using_history();
}

void edit_close(void)
{
    clear_history();
    redraw_free(&ed.screen);
    if (ed.nowhere)
        fclose(ed.nowhere);
    ed.nowhere = NULL;
}

void edit_screen(unsigned width)
{
    ed.width = width;
}

void edit_history(unsigned lines)
{
    stifle_history((int)lines);
}

enum edit_end edit_read(const char *prompt, bool text, char **line)
{
    ed.text = text;
    redraw_start(&ed.screen, ed.width);
    ed.end = EDIT_ENTER;
    ed.ended = false;
    *line = readline(prompt);
    wipe_typed();
    str_wipe(&ed.screen.shown);
    if (!*line)
        return EDIT_EOF;
    if (!ed.ended) /* the input stopped behind some text, which is a line too */
        term_puts(ed.term, "\n");
    return ed.end;
}

void edit_remember(const char *line)
{
    if (!line[strspn(line, " \t")])
        return;
    using_history();
    HIST_ENTRY **list = history_list();
    for (int i = 0; list && list[i]; i++)
        if (strcmp(list[i]->line, line) == 0) {
            free_history_entry(remove_history(i));
            break;
        }
    add_history(line);
    using_history();
}
