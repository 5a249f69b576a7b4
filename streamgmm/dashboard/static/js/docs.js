// The API's own page: Swagger UI over the service's OpenAPI description, both served from here. Deep links
// would put a link into each button, which no keyboard reaches.
SwaggerUIBundle({ url: "/openapi.json", dom_id: "#docs", deepLinking: false, validatorUrl: null });
