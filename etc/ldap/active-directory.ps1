# Active Directory: the account that mailhub searches as; docs/directory.rst.  It needs no rights
# but to read, and membership in the group that may read tokenGroups.

$password = Read-Host -AsSecureString "Password for mailhub"
New-ADUser -Name mailhub -SamAccountName mailhub -UserPrincipalName mailhub@corp.example `
    -AccountPassword $password -PasswordNeverExpires $true -CannotChangePassword $true `
    -Enabled $true -Description "mailhub searches for people and groups"
Add-ADGroupMember -Identity "Windows Authorization Access Group" -Members mailhub
