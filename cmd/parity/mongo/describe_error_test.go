package mongo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"

	"github.com/valet-go/valet/adapter"
	"github.com/valet-go/valet/loop"
)

// errOwn is a scenario's error.
var errOwn = errors.New("the scenario's own error")

// sentinels are what errors are asked for.
var sentinels = []struct {
	name string
	err  error
}{
	{"ErrNoDocuments", mongo.ErrNoDocuments},
	{"ErrNilDocument", mongo.ErrNilDocument},
	{"ErrNilValue", mongo.ErrNilValue},
	{"ErrEmptySlice", mongo.ErrEmptySlice},
	{"ErrNotSlice", mongo.ErrNotSlice},
	{"ErrMultipleIndexDrop", mongo.ErrMultipleIndexDrop},
	{"ErrClientDisconnected", mongo.ErrClientDisconnected},
	{"ErrWrongClient", mongo.ErrWrongClient},
	{"ErrMissingResumeToken", mongo.ErrMissingResumeToken},
	{"ErrFileNotFound", mongo.ErrFileNotFound},
	{"ErrMissingChunk", mongo.ErrMissingChunk},
	{"ErrWrongSize", mongo.ErrWrongSize},
	{"ErrStreamClosed", mongo.ErrStreamClosed},
	{"ErrMissingGridFSChunkSize", mongo.ErrMissingGridFSChunkSize},
	{"ErrNilRegistry", bson.ErrNilRegistry},
	{"Canceled", context.Canceled},
	{"DeadlineExceeded", context.DeadlineExceeded},
	{"EOF", io.EOF},
	{"adapter.ErrClosed", adapter.ErrClosed},
	{"loop.ErrWouldBlockLoop", loop.ErrWouldBlockLoop},
	{"errOwn", errOwn},
}

// predicates are the driver's functions that judge errors.
var predicates = []struct {
	name string
	is   func(error) bool
}{
	{"duplicate key", mongo.IsDuplicateKeyError},
	{"timeout", mongo.IsTimeout},
	{"network", mongo.IsNetworkError},
}

// labels are those that errors may have.
var labels = []string{
	"TransientTransactionError", "UnknownTransactionCommitResult", "RetryableWriteError", "ResumableChangeStreamError",
	"NetworkError", "NoWritesPerformed", "SystemOverloadedError", "RetryableError", "ExceededTimeLimitError",
}

// describeError is the text of an error: its types as it wraps them, its message,
// what the driver's types of errors hold, and what can be asked of it.
func (p *program) describeError(err error) string {
	text := fmt.Sprintf("error %s %q", typesOf(err), message(err))
	for _, s := range sentinels {
		if errors.Is(err, s.err) {
			text += " is " + s.name
		}
	}
	for _, predicate := range predicates {
		if predicate.is(err) {
			text += "; " + predicate.name
		}
	}
	var labelled mongo.LabeledError
	if errors.As(err, &labelled) {
		for _, l := range labels {
			if labelled.HasErrorLabel(l) {
				text += "; " + l
			}
		}
	}
	var coded interface{ ErrorCodes() []int }
	if errors.As(err, &coded) {
		codes := slices.Sorted(slices.Values(coded.ErrorCodes()))
		text += fmt.Sprint("; codes ", codes)
	}
	var command mongo.CommandError
	var write mongo.WriteException
	var bulk mongo.BulkWriteException
	var client mongo.ClientBulkWriteException
	switch {
	case errors.As(err, &command):
		text += fmt.Sprintf("; code %d, name %q, message %q, %s", command.Code, command.Name, command.Message, rawText(command.Raw))
	case errors.As(err, &write):
		text += "; " + p.fields(write)
	case errors.As(err, &bulk):
		text += "; " + p.fields(bulk)
	case errors.As(err, &client):
		text += "; " + p.fields(client)
	}
	return text
}

// fields is the text of what a struct holds, though it be an error.
func (p *program) fields(x any) string {
	v := reflect.ValueOf(x)
	var all []string
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		name, f := v.Type().Field(i).Name, v.Field(i)
		switch inner := f.Interface().(type) {
		case mongo.WriteErrors, []mongo.BulkWriteError, []mongo.WriteConcernError:
			all = append(all, name+":"+p.list(f))
		case map[int]mongo.WriteError:
			var entries []string
			for k, e := range inner {
				entries = append(entries, fmt.Sprintf("%d:%s", k, p.fields(e)))
			}
			slices.Sort(entries)
			all = append(all, name+":"+strings.Join(entries, " "))
		case mongo.WriteError:
			all = append(all, name+":"+p.fields(inner))
		case *mongo.WriteError:
			if inner != nil {
				all = append(all, name+":"+p.fields(*inner))
			}
		case *mongo.WriteConcernError:
			if inner != nil {
				all = append(all, name+":"+p.fields(*inner))
			}
		default:
			all = append(all, name+":"+p.walk(f, 0))
		}
	}
	return v.Type().Name() + "{" + strings.Join(all, " ") + "}"
}

func (p *program) list(v reflect.Value) string {
	var all []string
	for i := range v.Len() {
		all = append(all, p.fields(v.Index(i).Interface()))
	}
	return "[" + strings.Join(all, " ") + "]"
}

// message is an error's own text, unless the driver puts it together from a map.
func message(err error) string {
	var client mongo.ClientBulkWriteException
	if errors.As(err, &client) && len(client.WriteErrors) > 1 {
		return fmt.Sprintf("%d write errors", len(client.WriteErrors))
	}
	return err.Error()
}

func typesOf(err error) string {
	text := fmt.Sprintf("%T", err)
	switch w := err.(type) {
	case interface{ Unwrap() error }:
		if inner := w.Unwrap(); inner != nil {
			text += "(" + typesOf(inner) + ")"
		}
	case interface{ Unwrap() []error }:
		for _, inner := range w.Unwrap() {
			text += "(" + typesOf(inner) + ")"
		}
	}
	return text
}
