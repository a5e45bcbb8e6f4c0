/*
 * event_file.h: TensorBoard's event file: protocol buffer messages (Event, Summary of tensorflow/core) in TFRecord frames.
 */
#ifndef CT__EVENT_FILE_H
#define CT__EVENT_FILE_H

#include "base/vec.h"

/* Fields of a message. A failed append leaves its error pending; the caller looks once, at the end. */
void ct__pb_varint(ct__buf *b, int field, uint64_t value);
void ct__pb_double(ct__buf *b, int field, double value);
void ct__pb_float(ct__buf *b, int field, float value);
void ct__pb_bytes(ct__buf *b, int field, const void *bytes, size_t n); /* strings and messages too */
void ct__pb_string(ct__buf *b, int field, const char *s);
void ct__pb_doubles(ct__buf *b, int field, const double *values, int64_t n); /* packed */

/* One record: length, checksum of the length, data, checksum of the data. */
ct_status ct__event_record(ct__buf *out, const ct__buf *event);

#endif
