/**
 * The contract of openfga.v1, by hand: every message with its fields, every enum, every method. A field is `number type name`, then `as` its JSON name where that is another one, then `of` the
 * choice that it belongs to.
 */
export const messages = `
AuthorizationModel
  1 string id
  2 string schema_version
  3 repeated TypeDefinition type_definitions
  4 map<Condition> conditions
TypeDefinition
  1 string type
  2 map<Userset> relations
  3 Metadata metadata
Relation
  1 string name
  2 Userset rewrite
  3 RelationTypeInfo type_info as typeInfo
RelationTypeInfo
  1 repeated RelationReference directly_related_user_types
Metadata
  1 map<RelationMetadata> relations
  2 string module
  3 SourceInfo source_info
SourceInfo
  1 string file
RelationMetadata
  1 repeated RelationReference directly_related_user_types
  2 string module
  3 SourceInfo source_info
RelationReference
  1 string type
  2 string relation of relation_or_wildcard
  3 Wildcard wildcard of relation_or_wildcard
  4 string condition
Wildcard
Usersets
  1 repeated Userset child
Difference
  1 Userset base
  2 Userset subtract
Userset
  1 DirectUserset this of userset
  2 ObjectRelation computed_userset as computedUserset of userset
  3 TupleToUserset tuple_to_userset as tupleToUserset of userset
  4 Usersets union of userset
  5 Usersets intersection of userset
  6 Difference difference of userset
DirectUserset
ObjectRelation
  1 string object
  2 string relation
ComputedUserset
  1 string relation
TupleToUserset
  1 ObjectRelation tupleset
  2 ObjectRelation computed_userset as computedUserset
Condition
  1 string name
  2 string expression
  3 map<ConditionParamTypeRef> parameters
  4 ConditionMetadata metadata
ConditionMetadata
  1 string module
  2 SourceInfo source_info
ConditionParamTypeRef
  1 ConditionParamTypeRef.TypeName type_name
  2 repeated ConditionParamTypeRef generic_types
Object
  1 string type
  2 string id
User
  1 Object object of user
  2 UsersetUser userset of user
  3 TypedWildcard wildcard of user
UsersetUser
  1 string type
  2 string id
  3 string relation
RelationshipCondition
  1 string name
  2 google.Struct context
TupleKeyWithoutCondition
  1 string user
  2 string relation
  3 string object
TypedWildcard
  1 string type
TupleKey
  1 string user
  2 string relation
  3 string object
  4 RelationshipCondition condition
Tuple
  1 TupleKey key
  2 google.Timestamp timestamp
TupleKeys
  1 repeated TupleKey tuple_keys
ContextualTupleKeys
  1 repeated TupleKey tuple_keys
UsersetTree
  1 UsersetTree.Node root
UsersetTree.Leaf
  1 UsersetTree.Users users of value
  2 UsersetTree.Computed computed of value
  3 UsersetTree.TupleToUserset tuple_to_userset as tupleToUserset of value
UsersetTree.Nodes
  1 repeated UsersetTree.Node nodes
UsersetTree.Users
  1 repeated string users
UsersetTree.Computed
  1 string userset
UsersetTree.TupleToUserset
  1 string tupleset
  2 repeated UsersetTree.Computed computed
UsersetTree.Difference
  1 UsersetTree.Node base
  2 UsersetTree.Node subtract
UsersetTree.Node
  1 string name
  2 UsersetTree.Leaf leaf of value
  5 UsersetTree.Difference difference of value
  6 UsersetTree.Nodes union of value
  7 UsersetTree.Nodes intersection of value
TupleChange
  1 TupleKey tuple_key
  2 TupleOperation operation
  3 google.Timestamp timestamp
Store
  1 string id
  2 string name
  3 google.Timestamp created_at
  4 google.Timestamp updated_at
  5 google.Timestamp deleted_at
UserTypeFilter
  1 string type
  2 string relation
ListObjectsRequest
  1 string store_id
  2 string authorization_model_id
  3 string type
  4 string relation
  5 string user
  6 ContextualTupleKeys contextual_tuples
  7 google.Struct context
  8 ConsistencyPreference consistency
ListObjectsResponse
  1 repeated string objects
ListUsersRequest
  1 string store_id
  2 string authorization_model_id
  3 Object object
  4 string relation
  5 repeated UserTypeFilter user_filters
  6 repeated TupleKey contextual_tuples
  7 google.Struct context
  8 ConsistencyPreference consistency
ListUsersResponse
  1 repeated User users
StreamedListObjectsRequest
  1 string store_id
  2 string authorization_model_id
  3 string type
  4 string relation
  5 string user
  6 ContextualTupleKeys contextual_tuples
  7 google.Struct context
  8 ConsistencyPreference consistency
StreamedListObjectsResponse
  1 string object
ReadRequest
  1 string store_id
  2 ReadRequestTupleKey tuple_key
  3 google.Int32Value page_size
  4 string continuation_token
  5 ConsistencyPreference consistency
ReadRequestTupleKey
  1 string user
  2 string relation
  3 string object
ReadResponse
  1 repeated Tuple tuples
  2 string continuation_token
WriteRequestWrites
  1 repeated TupleKey tuple_keys
  2 string on_duplicate
WriteRequestDeletes
  1 repeated TupleKeyWithoutCondition tuple_keys
  2 string on_missing
WriteRequest
  1 string store_id
  2 WriteRequestWrites writes
  3 WriteRequestDeletes deletes
  4 string authorization_model_id
WriteResponse
CheckRequest
  1 string store_id
  2 CheckRequestTupleKey tuple_key
  3 ContextualTupleKeys contextual_tuples
  4 string authorization_model_id
  5 bool trace
  6 google.Struct context
  7 ConsistencyPreference consistency
CheckRequestTupleKey
  1 string user
  2 string relation
  3 string object
CheckResponse
  1 bool allowed
  2 string resolution
BatchCheckRequest
  1 string store_id
  2 repeated BatchCheckItem checks
  3 string authorization_model_id
  4 ConsistencyPreference consistency
BatchCheckItem
  1 CheckRequestTupleKey tuple_key
  2 ContextualTupleKeys contextual_tuples
  3 google.Struct context
  4 string correlation_id
BatchCheckResponse
  1 map<BatchCheckSingleResult> result
BatchCheckSingleResult
  1 bool allowed of check_result
  2 CheckError error of check_result
CheckError
  1 ErrorCode input_error of code
  2 InternalErrorCode internal_error of code
  3 string message
ExpandRequest
  1 string store_id
  2 ExpandRequestTupleKey tuple_key
  3 string authorization_model_id
  4 ConsistencyPreference consistency
  5 ContextualTupleKeys contextual_tuples
ExpandRequestTupleKey
  1 string relation
  2 string object
ExpandResponse
  1 UsersetTree tree
ReadAuthorizationModelRequest
  1 string store_id
  2 string id
ReadAuthorizationModelResponse
  1 AuthorizationModel authorization_model
WriteAuthorizationModelRequest
  1 string store_id
  2 repeated TypeDefinition type_definitions
  3 string schema_version
  4 map<Condition> conditions
WriteAuthorizationModelResponse
  1 string authorization_model_id
ReadAuthorizationModelsRequest
  1 string store_id
  2 google.Int32Value page_size
  3 string continuation_token
ReadAuthorizationModelsResponse
  1 repeated AuthorizationModel authorization_models
  2 string continuation_token
WriteAssertionsRequest
  1 string store_id
  2 string authorization_model_id
  3 repeated Assertion assertions
WriteAssertionsResponse
ReadAssertionsRequest
  1 string store_id
  2 string authorization_model_id
ReadAssertionsResponse
  1 string authorization_model_id
  2 repeated Assertion assertions
ReadChangesRequest
  1 string store_id
  2 string type
  3 google.Int32Value page_size
  4 string continuation_token
  5 google.Timestamp start_time
ReadChangesResponse
  1 repeated TupleChange changes
  2 string continuation_token
CreateStoreRequest
  1 string name
CreateStoreResponse
  1 string id
  2 string name
  3 google.Timestamp created_at
  4 google.Timestamp updated_at
UpdateStoreRequest
  1 string store_id
  2 string name
UpdateStoreResponse
  1 string id
  2 string name
  3 google.Timestamp created_at
  4 google.Timestamp updated_at
DeleteStoreRequest
  1 string store_id
DeleteStoreResponse
GetStoreRequest
  1 string store_id
GetStoreResponse
  1 string id
  2 string name
  3 google.Timestamp created_at
  4 google.Timestamp updated_at
  5 google.Timestamp deleted_at
ListStoresRequest
  1 google.Int32Value page_size
  2 string continuation_token
  3 string name
ListStoresResponse
  1 repeated Store stores
  2 string continuation_token
AssertionTupleKey
  1 string object
  2 string relation
  3 string user
Assertion
  1 AssertionTupleKey tuple_key
  2 bool expectation
  3 repeated TupleKey contextual_tuples
  4 google.Struct context
Assertions
  1 repeated Assertion assertions
`;

export const enums = `
ConditionParamTypeRef.TypeName: TYPE_NAME_UNSPECIFIED=0 TYPE_NAME_ANY=1 TYPE_NAME_BOOL=2
  TYPE_NAME_STRING=3 TYPE_NAME_INT=4 TYPE_NAME_UINT=5 TYPE_NAME_DOUBLE=6 TYPE_NAME_DURATION=7
  TYPE_NAME_TIMESTAMP=8 TYPE_NAME_MAP=9 TYPE_NAME_LIST=10 TYPE_NAME_IPADDRESS=11
TupleOperation: TUPLE_OPERATION_WRITE=0 TUPLE_OPERATION_DELETE=1
ConsistencyPreference: UNSPECIFIED=0 MINIMIZE_LATENCY=100 HIGHER_CONSISTENCY=200
`;

export const methods = `
Read POST /stores/{store_id}/read *
Write POST /stores/{store_id}/write *
Check POST /stores/{store_id}/check *
BatchCheck POST /stores/{store_id}/batch-check *
Expand POST /stores/{store_id}/expand *
ReadAuthorizationModels GET /stores/{store_id}/authorization-models
ReadAuthorizationModel GET /stores/{store_id}/authorization-models/{id}
WriteAuthorizationModel POST /stores/{store_id}/authorization-models *
WriteAssertions PUT /stores/{store_id}/assertions/{authorization_model_id} *
ReadAssertions GET /stores/{store_id}/assertions/{authorization_model_id}
ReadChanges GET /stores/{store_id}/changes
CreateStore POST /stores *
UpdateStore PATCH /stores/{store_id} *
DeleteStore DELETE /stores/{store_id}
GetStore GET /stores/{store_id}
ListStores GET /stores
StreamedListObjects POST /stores/{store_id}/streamed-list-objects * stream
ListObjects POST /stores/{store_id}/list-objects *
ListUsers POST /stores/{store_id}/list-users *
`;
