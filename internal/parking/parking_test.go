package parking

import (
	"testing"

	"github.com/valet-go/valet/internal/gid"
)

func TestNothingIsParkedWithoutFakesock(t *testing.T) {
	if ops := Find([]uintptr{gid.Current()}); len(ops) != 0 {
		t.Errorf("Find = %v", ops)
	}
	if Close(gid.Current()) {
		t.Error("Close has found something")
	}
}

func TestFindAndCloseAskWhatWasRegistered(t *testing.T) {
	defer func() { find, closeFor = nil, nil }()
	Register(func(goroutines []uintptr) map[uintptr]Op {
		return map[uintptr]Op{goroutines[0]: {Op: "read"}}
	}, func(goroutine uintptr) bool { return goroutine == 7 })
	if ops := Find([]uintptr{7}); len(ops) != 1 || ops[7].Op != "read" {
		t.Errorf("Find = %v", ops)
	}
	if ops := Find(nil); len(ops) != 0 {
		t.Errorf("Find of nobody = %v", ops)
	}
	if !Close(7) || Close(8) {
		t.Error("Close does not report what was registered for it")
	}
	defer func() {
		if recover() == nil {
			t.Error("a second Register did not panic")
		}
	}()
	Register(find, closeFor)
}
