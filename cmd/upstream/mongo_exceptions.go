package main

// mongoLeftOut are the tests that are not run at all.
var mongoLeftOut = []exception{
	{"SRV|TestInitialDNSSeedlistDiscovery|TestTopologyConstructionLogging/genuine_URIs/srv", "they ask the public DNS"},
	{"TestConnection/connection/connect/TLS_(unknown_authority|hostname_mismatch)", "they dial a public server"},
	{"TestServerHeartbeatTimeout", "it wants a server at port 27017"},
	{"ClientSideEncryption|Mongocryptd|TestUnifiedSpec/client-side-encryption", "they need libmongocrypt or mongocryptd"},
	{
		"TestUnifiedSpec/(transactions-convenient-api|mongodb-handshake|client-backpressure|causal-consistency)|" +
			"TestInitialDNS", "their files came after v2.2.3",
	},
	{
		"TestSDAMSpec/rs/(null_election_id|setversion_without_electionid|use_setversion_without_electionid)-pre-6.0|" +
			"TestSDAMSpec/rs/primary_mismatched_me_not_removed|TestSDAMSpec/errors/error_handling_handshake",
		"files of v2.2.3 that later versions changed",
	},
	{"TestWriteErrorsDetails", "it panics without validation by schema, which the server does not have"},
	{
		"TestUnifiedSpec/crud/tests/unified/aggregate-write-readPreference|TestUnifiedSpec/change-streams",
		"the server does not survive it",
	},
	{
		"TestClientStress|TestClientBulkWriteProse|TestInsertManySplitsBatches|TestClient_BulkWrite/bulk_write_with_large_messages|" +
			"TestCollection/insert_many/(batches|writeError_index|large_document_batches)|" +
			"TestCollection/bulk_write/(insert_and_delete|update)_with_batches|TestChangeStream_ReplicaSet/split_large_changes|" +
			"TestRetryableReadsProse|TestErrorPropagationAfterEncounteringMultipleErrors|TestBackpressureProse|TestCSOT|" +
			"TestUnifiedSpec/client-side-operations-timeout|TestUnifiedSpec/unified-test-format/tests/valid-fail|" +
			"TestRetryableWritesProse/NoWritesPerformed|TestGridFS/download|" +
			"TestDatabase|TestSDAMProse|TestCommandLoggingAndMonitoringProse|TestCursor_tailableAwaitData|TestClient/(minimum_RTT|operations_don't_retry)",
		"a matter of time: they take seconds to minutes each, or have limits of milliseconds",
	},
}

// mongoSkips is what tests say that skip themselves.
var mongoSkips = []exception{
	{"skipping due to environmental constraints|mmapv1|OCSP_TLS_SHOULD_SUCCEED|CRYPT_SHARED_LIB_PATH", "made for another deployment or version of the server"},
	{"[dD]ocker", "made for a machine that is no container; they are told that this one is"},
	{"test must be skipped|option is not supported", "the driver does not have what the file is about"},
	{
		"known failure|fails frequently|test requires|event ordering|skipping for reason|lack of SDAM monitoring|" +
			"does not have a getter|tested individually|does not allow simultaneous|should be covered by spec tests|go:[0-9]+: skipping$",
		"the driver's authors have switched them off",
	},
}

// mongoUnserved are tests that fail natively, too, because of the server.
var mongoUnserved = []exception{
	{"TestSDAMErrorHandling.*|TestErrors", "the server has no $where"},
	{"TestUnifiedSpec/.*([^a-z]let([^a-z].*)?|-let\\.json.*|client-bulkWrite-options\\.json)", "the server has no let"},
	{"TestUnifiedSpec/.*dots_and_dollars.*", "the server has no $setField and the like"},
	{"TestUnifiedSpec/.*(listLocalSessions|aggregate_on_database|db-aggregate|poc-crud|crud-api-version-1\\.json).*", "the server has no $listLocalSessions"},
	{"TestUnifiedSpec/versioned-api.*", "the server is not strict with the versions of its API"},
	{"TestUnifiedSpec/(index-management|sessions/tests/snapshot).*|TestSearchIndex.*", "the server has no search indexes and no snapshots"},
	{"TestUnifiedSpec/collection-management.*|.*collectionData-createOptions.*|.*on_views|.*estimatedDocumentCount\\.json", "the server has no clustered, capped, or time series collections and no views"},
	{".*poc-retryable-writes.*", "the server has no fail point but failCommand"},
	{".*poc-transactions.*", "the server creates collections and indexes outside of transactions"},
	{"TestUnifiedSpec/.*(errorResponse|out-readConcern|insertOne-dots|showRecordId|monitoring/find\\.json|operation-id|Failed_bulk_write).*", "the server fails in other ways, or not"},
	{"TestClient_BulkWrite_CollectionUUIDs.*|TestCollection/(aggregate|find)(/(hint|write_concern_error))?|TestErrorsCodeNamePropagated.*|TestCRUDProse_17.*", "the server does not refuse what MongoDB does"},
	{"TestGridFS(/equivalent_indexes.*)?|TestIndexView(/(drop_with_key|clustered_indexes).*)?", "the server's indexes are simpler"},
	{"TestConnectionPoolBackpressure", "the server has no parameters to be set"},
	{"TestHandshakeProse.*", "it depends on whether this machine is a container"},
	{"TestUnifiedSpec(/(crud|command-logging-and-monitoring|unified-test-format|sessions)/tests(/[a-z-]*)?)?|TestCollection", "tests of subtests above"},
}
