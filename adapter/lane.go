package adapter

// Lane makes calls run one after another, in the order in which they were
// started, and call back in that order; only those that are cancelled while
// they wait call back at once, out of turn. The zero value is ready; use one
// lane with one backend.
type Lane struct {
	// Both are guarded by the backend's mutex.
	waiting list
	busy    bool // one of its calls is admitted and has not returned
}
