package sql

import (
	"context"
	"testing"
)

type valueKey struct{}

func TestALifeEndsWithItsContextUntilItSettles(t *testing.T) {
	parent, cancel := context.WithCancel(context.WithValue(context.Background(), valueKey{}, "v"))
	life, settle, end := lifetime(parent)
	defer end()
	if life.Value(valueKey{}) != "v" {
		t.Error("a life does not have its context's values")
	}
	if _, has := life.Deadline(); has {
		t.Error("a life has a deadline")
	}
	cancel()
	<-life.Done()
	if settle() {
		t.Error("a life settled although its context had ended")
	}
}

func TestASettledLifeOutlivesItsContext(t *testing.T) {
	parent, cancel := context.WithCancel(context.Background())
	life, settle, end := lifetime(parent)
	if !settle() {
		t.Error("a life did not settle")
	}
	cancel()
	if life.Err() != nil {
		t.Error("a settled life ended with its context")
	}
	end()
	if life.Err() == nil {
		t.Error("a life did not end")
	}
	end() // does nothing
}

func TestALifeOfAnEndedContextDoesNotSettle(t *testing.T) {
	parent, cancel := context.WithCancel(context.Background())
	cancel()
	life, settle, end := lifetime(parent)
	defer end()
	if settle() {
		t.Error("it settled")
	}
	<-life.Done()
}

func TestALifeOfAnEndlessContextIsThatContext(t *testing.T) {
	for _, parent := range []context.Context{context.Background(), context.WithValue(context.Background(), valueKey{}, 1)} {
		life, settle, end := lifetime(parent)
		if life != parent || !settle() {
			t.Errorf("the life of %v is %v", parent, life)
		}
		end()
	}
}
