import { bearerToken } from '@modelgate/oauth';
import { Injectable } from '@nestjs/common';
import { PassportStrategy } from '@nestjs/passport';
import type { FastifyRequest } from 'fastify';
import { Strategy } from 'passport-jwt';
import { AdminAccess } from './admin-access.ts';
import type { Admin } from './admin-role.ts';

type Done = (error: unknown, admin?: Admin) => void;

// passport-jwt verifies with jsonwebtoken, which takes any `typ`, tokens without `exp` and extensions it does not know.
// Its place for another verifier is this static member; the "key" the strategy is given is ours.
Object.assign(Strategy, {
  JwtVerifier: (token: string, access: AdminAccess, _options: unknown, done: Done) => {
    access.verify(token).then(
      (admin) => done(null, admin),
      (error: unknown) => done(error),
    );
  },
});

/** Passport's part: finds the token in the one place it may be, and hands it to the project's own verifier. */
@Injectable()
export class AdminStrategy extends PassportStrategy(Strategy, 'admin') {
  constructor(access: AdminAccess) {
    super({
      jwtFromRequest: (request: unknown) => {
        try {
          return bearerToken((request as FastifyRequest).headers.authorization) ?? null;
        } catch {
          return null;
        }
      },
      secretOrKeyProvider: (_request: unknown, _token: unknown, done: (error: null, key: never) => void) =>
        done(null, access as never),
    });
  }

  validate(admin: Admin): Admin {
    return admin;
  }
}
