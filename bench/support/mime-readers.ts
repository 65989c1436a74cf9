/** Readers of mail that are not JavaScript: programs that read a folder over and over and print bytes, CPU seconds and messages. */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

const python = `
import os, sys, time
from email import message_from_bytes
from email.policy import default
folder, seconds = sys.argv[1], float(sys.argv[2])
messages = [open(os.path.join(folder, n), 'rb').read() for n in sorted(os.listdir(folder))]
def read(data):
    m = message_from_bytes(data, policy=default)
    for name in ('subject', 'from', 'to', 'date', 'message-id'):
        try: str(m[name])
        except Exception: pass
    for p in m.walk():
        if p.is_multipart(): continue
        try:
            if p.get_content_maintype() == 'text': p.get_content()
            else: p.get_payload(decode=True)
        except Exception: pass
start = time.process_time(); passes = 0
while time.process_time() - start < seconds or passes == 0:
    for data in messages: read(data)
    passes += 1
print(sum(map(len, messages)) * passes, time.process_time() - start, passes * len(messages))
`

const gmime = `
#include <dirent.h>
#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
static double now(void) { return (double)clock() / CLOCKS_PER_SEC; }
static void each(GMimeObject *parent, GMimeObject *part, gpointer data) {
  if (!GMIME_IS_PART(part)) return;
  if (GMIME_IS_TEXT_PART(part)) { char *text = g_mime_text_part_get_text((GMimeTextPart *)part); g_free(text); return; }
  GMimeDataWrapper *content = g_mime_part_get_content((GMimePart *)part);
  if (!content) return;
  GMimeStream *out = g_mime_stream_mem_new();
  g_mime_data_wrapper_write_to_stream(content, out);
  g_object_unref(out);
}
static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
int main(int argc, char **argv) {
  g_mime_init();
  char *names[100000]; char *data[100000]; size_t sizes[100000]; int count = 0; double total = 0;
  DIR *dir = opendir(argv[1]); struct dirent *entry;
  while ((entry = readdir(dir))) if (entry->d_name[0] != '.') names[count++] = g_build_filename(argv[1], entry->d_name, NULL);
  qsort(names, count, sizeof(char *), by_name);
  for (int i = 0; i < count; i++) { g_file_get_contents(names[i], &data[i], &sizes[i], NULL); total += sizes[i]; }
  double seconds = atof(argv[2]), start = now(); long passes = 0;
  while (now() - start < seconds || passes == 0) {
    for (int i = 0; i < count; i++) {
      GMimeStream *stream = g_mime_stream_mem_new_with_buffer(data[i], sizes[i]);
      GMimeParser *parser = g_mime_parser_new_with_stream(stream);
      GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
      if (message) {
        g_mime_message_get_subject(message); g_mime_message_get_date(message); g_mime_message_get_message_id(message);
        g_mime_message_get_addresses(message, GMIME_ADDRESS_TYPE_FROM); g_mime_message_get_addresses(message, GMIME_ADDRESS_TYPE_TO);
        GMimeObject *root = g_mime_message_get_mime_part(message);
        if (root) { each(NULL, root, NULL); g_mime_message_foreach(message, each, NULL); }
        g_object_unref(message);
      }
      g_object_unref(parser); g_object_unref(stream);
    }
    passes++;
  }
  printf("%.0f %f %ld\\n", total * passes, now() - start, passes * count);
  return 0;
}
`

export function pythonReader(scratch: string): readonly string[] | undefined {
  if (spawnSync('python3', ['--version']).status !== 0) return undefined
  const file = join(scratch, 'reader.py')
  writeFileSync(file, python)
  return ['python3', file]
}

/** Compiled here, where a C compiler and libgmime-3.0-dev are. */
export function gmimeReader(scratch: string): readonly string[] | undefined {
  const flags = spawnSync('pkg-config', ['--cflags', '--libs', 'gmime-3.0'], { encoding: 'utf8' })
  if (flags.status !== 0) return undefined
  const source = join(scratch, 'reader.c')
  const program = join(scratch, 'reader')
  writeFileSync(source, gmime)
  const built = spawnSync('cc', ['-O2', '-o', program, source, ...flags.stdout.trim().split(/\s+/)], {
    encoding: 'utf8',
  })
  if (built.status !== 0) throw new Error(built.stderr)
  return [program]
}
