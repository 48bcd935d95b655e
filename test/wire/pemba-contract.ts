/** The contract of pemba.v1, by hand, written as that of openfga.v1 is. */
export const pembaMessages = `
Tuple
  1 string subject
  2 string relation
  3 string object
  4 TupleCondition condition
  5 google.Timestamp expires_at
TupleCondition
  1 string name
  2 google.Struct context
BareTuple
  1 string subject
  2 string relation
  3 string object
TupleFilter
  1 string object
  2 string object_type
  3 string relation
  4 string subject
  5 string subject_type
ListRelationsRequest
  1 string store_id
  2 string subject
  3 string object
  4 repeated string relations
  5 string model_id
  6 repeated Tuple contextual_tuples
  7 google.Struct context
  8 ConsistencyPreference consistency
ListObjectsRequest
  1 string store_id
  2 string subject
  3 repeated string types
  4 repeated string relations
  5 Scope scope
  6 string model_id
  7 repeated Tuple contextual_tuples
  8 google.Struct context
  9 ConsistencyPreference consistency
  10 int32 page_size
  11 string cursor
  12 bool count_only
Scope
  1 string object
  2 string relation
  3 bool direct
ListObjectsResponse
  1 repeated ListedObject objects
  2 string cursor
  3 int32 count
  4 string consistency_token
ListedObject
  1 string object
  2 repeated string relations
  3 repeated UnansweredRelation unanswered
ListSubjectsRequest
  1 string store_id
  2 string object
  3 repeated string relations
  4 repeated string subject_types
  5 string model_id
  6 repeated Tuple contextual_tuples
  7 google.Struct context
  8 ConsistencyPreference consistency
  9 int32 page_size
  10 string cursor
  11 bool count_only
ListSubjectsResponse
  1 repeated ListedSubject subjects
  2 string cursor
  3 int32 count
  4 string consistency_token
ListedSubject
  1 string subject
  2 repeated string relations
  3 repeated UnansweredRelation unanswered
  4 repeated string except
ListRelationsResponse
  1 repeated string relations
  2 repeated UnansweredRelation unanswered
  3 repeated Obligation obligations
Obligation
  1 string relation
  2 repeated string acr_values
  3 repeated string amr_all
  4 repeated string amr_any
  5 int32 max_age
  6 string challenge
UnansweredRelation
  1 string relation
  2 string code
  3 string message
  4 repeated string missing_parameters
ExplainRequest
  1 string store_id
  2 string subject
  3 string relation
  4 string object
  5 string model_id
  6 repeated Tuple contextual_tuples
  7 google.Struct context
  8 ConsistencyPreference consistency
ExplainResponse
  1 Outcome outcome
  2 repeated string missing_parameters
  3 ExplainNode tree
  4 bool truncated
  5 repeated TupleSet would_allow
  6 string subject
  7 repeated string missing_scopes
  8 repeated Obligation obligations
TupleSet
  1 repeated Tuple tuples
ExplainNode
  1 string object
  2 string relation
  3 Operator operator
  4 Value value
  5 repeated UsedTuple tuples
  6 repeated ExplainNode children
  7 End end
  8 string tupleset
UsedTuple
  1 Tuple tuple
  2 Value value
  3 bool contextual
  4 google.Struct parameters
  5 repeated string missing_parameters
  6 string error
WriteTuplesRequest
  1 string store_id
  2 repeated Tuple writes
  3 repeated BareTuple deletes
  4 repeated Precondition preconditions
  5 OnDuplicate on_duplicate
  6 OnMissing on_missing
  7 string idempotency_key
  8 string model_id
Precondition
  1 Requirement requirement
  2 TupleFilter filter
WriteTuplesResponse
  1 string consistency_token
  2 bool repeated_write
ImportTuplesRequest
  1 string store_id
  2 repeated Tuple tuples
  3 OnDuplicate on_duplicate
  4 string idempotency_key
  5 string model_id
ImportTuplesResponse
  1 string consistency_token
  2 bool repeated_write
  3 fixed64 checksum
ExportTuplesRequest
  1 string store_id
  2 TupleFilter filter
  3 string cursor
ExportTuplesResponse
  1 repeated Tuple tuples
  2 string cursor
  3 string consistency_token
  4 int64 count
  5 fixed64 checksum
ReadTuplesRequest
  1 string store_id
  2 TupleFilter filter
  3 int32 page_size
  4 string cursor
ReadTuplesResponse
  1 repeated StoredTuple tuples
  2 string cursor
  3 string consistency_token
StoredTuple
  1 Tuple tuple
  2 google.Timestamp written_at
DeleteTuplesRequest
  1 string store_id
  2 TupleFilter filter
  3 bool all
  4 int32 limit
  5 string cursor
DeleteTuplesResponse
  1 int32 deleted
  2 string cursor
  3 string consistency_token
ReadTupleChangesRequest
  1 string store_id
  2 string object_type
  3 google.Timestamp start_time
  4 int32 page_size
  5 string cursor
ReadTupleChangesResponse
  1 repeated TupleChange changes
  2 string cursor
  3 string consistency_token
Principal
  1 string key of kind
  2 Client client of kind
Client
  1 string issuer
  2 string id
  3 string claim
GrantRoleRequest
  1 string store_id
  2 Principal principal
  3 string role
GrantRoleResponse
RevokeRoleRequest
  1 string store_id
  2 Principal principal
  3 string role
RevokeRoleResponse
ListRolesRequest
  1 string store_id
  2 int32 page_size
  3 string cursor
ListRolesResponse
  1 repeated RoleGrant grants
  2 string cursor
RoleGrant
  1 Principal principal
  2 string role
BootstrapRequest
  1 Principal principal
BootstrapResponse
TupleChange
  1 ChangeKind kind
  2 Tuple tuple
  3 google.Timestamp changed_at
  4 string consistency_token
ReadGraphsRequest
  1 string store_id
ReadGraphsResponse
  1 int64 bytes_max
  2 int64 bytes
  3 int32 stores_in_memory
  4 int32 stores_loading
  5 int32 stores_in_storage
  6 repeated StoreGraph graphs
StoreGraph
  1 string store_id
  2 Place place
  3 PlaceReason reason
  4 int64 bytes
  5 int64 tuples
  6 int64 changes
`;

export const pembaEnums = `
Outcome: OUTCOME_UNSPECIFIED=0 OUTCOME_ALLOWED=1 OUTCOME_DENIED=2 OUTCOME_CONDITIONAL=3
Operator: OPERATOR_UNSPECIFIED=0 OPERATOR_DIRECT=1 OPERATOR_USERSET=2 OPERATOR_COMPUTED=3
  OPERATOR_FROM=4 OPERATOR_UNION=5 OPERATOR_INTERSECTION=6 OPERATOR_EXCLUSION=7
Value: VALUE_UNSPECIFIED=0 VALUE_TRUE=1 VALUE_FALSE=2 VALUE_UNDEFINED=3 VALUE_UNKNOWN=4
End: END_UNSPECIFIED=0 END_CYCLE=1 END_REPEATED=2 END_TRUNCATED=3 END_IMPOSSIBLE=4 END_SUBJECT=5
Requirement: REQUIREMENT_UNSPECIFIED=0 REQUIREMENT_MUST_EXIST=1 REQUIREMENT_MUST_NOT_EXIST=2
OnDuplicate: ON_DUPLICATE_UNSPECIFIED=0 ON_DUPLICATE_ERROR=1 ON_DUPLICATE_IGNORE=2
  ON_DUPLICATE_REPLACE=3
OnMissing: ON_MISSING_UNSPECIFIED=0 ON_MISSING_ERROR=1 ON_MISSING_IGNORE=2
ChangeKind: CHANGE_KIND_UNSPECIFIED=0 CHANGE_KIND_WRITE=1 CHANGE_KIND_DELETE=2
  CHANGE_KIND_EXPIRY=3
Place: PLACE_UNSPECIFIED=0 PLACE_MEMORY=1 PLACE_LOADING=2 PLACE_STORAGE=3
PlaceReason: PLACE_REASON_UNSPECIFIED=0 PLACE_REASON_TOO_LARGE=1 PLACE_REASON_GAVE_WAY=2
  PLACE_REASON_FAILED=3 PLACE_REASON_NOT_READ=4
`;

export const accessMethods = `
GrantRole POST /roles/grant *
RevokeRole POST /roles/revoke *
ListRoles POST /roles/list *
Bootstrap POST /roles/bootstrap *
`;

export const queryMethods = `
ListRelations POST /stores/{store_id}/list-relations *
Explain POST /stores/{store_id}/explain *
ListObjects POST /stores/{store_id}/objects *
ListSubjects POST /stores/{store_id}/subjects *
`;

export const tupleMethods = `
WriteTuples POST /stores/{store_id}/tuples/write *
ImportTuples POST /stores/{store_id}/tuples/import *
ExportTuples POST /stores/{store_id}/tuples/export * stream
ReadTuples POST /stores/{store_id}/tuples/read *
DeleteTuples POST /stores/{store_id}/tuples/delete *
ReadTupleChanges GET /stores/{store_id}/tuples/changes
`;

export const serverMethods = `
ReadGraphs GET /graphs
`;
