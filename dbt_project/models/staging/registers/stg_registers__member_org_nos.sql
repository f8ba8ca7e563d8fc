select * from {{ source('registers', 'register_member_org_nos') }}
