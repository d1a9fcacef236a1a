package owner

import "testing"

func TestMarkIsPerGoroutine(t *testing.T) {
	if Here() {
		t.Fatal("an unmarked goroutine is taken for an owner")
	}
	unmark := Mark()
	again := Mark() // an executor inside another: the marks count
	if !Here() {
		t.Fatal("a marked goroutine is not an owner")
	}
	other := make(chan bool)
	go func() { other <- Here() }()
	if <-other {
		t.Fatal("another goroutine is taken for an owner")
	}
	again()
	if !Here() {
		t.Fatal("the inner unmark removed the outer mark")
	}
	go func() { unmark(); other <- true }() // unmark works from elsewhere
	<-other
	if Here() {
		t.Fatal("still an owner after unmark")
	}
}
